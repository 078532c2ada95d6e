"""A program that is not started at once, because the host is short of something, is no fault of the function."""

import errno
import os
import signal
import time

import pytest

from lambent.runtimes.python import supervisor


class Started(Exception):
    """The exec has worked."""


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What each exec comes to, the first one first."""
    coming: list[BaseException] = []

    def execve(*_: object) -> None:
        raise coming.pop(0)

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return coming


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENFILE, errno.ENOMEM])
def test_a_shortage_that_passes_is_waited_for(answers: list[BaseException], number: int) -> None:
    answers += [OSError(number, "short"), OSError(number, "short"), Started()]
    with pytest.raises(Started):
        supervisor.execute("/var/task/bootstrap", ["bootstrap"], {})


def test_a_shortage_that_stays_is_told(answers: list[BaseException]) -> None:
    answers += [OSError(errno.EAGAIN, "short") for _ in range(len(supervisor.PAUSES_S) + 1)]
    with pytest.raises(BlockingIOError):
        supervisor.execute("/var/task/bootstrap", ["bootstrap"], {})
    assert not answers


def test_what_is_wrong_with_the_program_is_told_at_once(answers: list[BaseException]) -> None:
    answers += [OSError(errno.ENOEXEC, "Exec format error"), Started()]
    with pytest.raises(OSError, match="Exec format"):
        supervisor.execute("/var/task/bootstrap", ["bootstrap"], {})
