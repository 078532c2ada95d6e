"""A folder is one process's at a time, and asking whose it is stands in nobody's way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lambent.store.folder_lock import NAME, hold, is_held


def test_whoever_asks_sees_a_folder_that_is_held_and_one_that_is_let_go(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    lock = hold(tmp_path)
    assert is_held(tmp_path)
    os.close(lock)
    assert not is_held(tmp_path)


def test_two_cannot_have_it(tmp_path: Path) -> None:
    lock = hold(tmp_path)
    with pytest.raises(BlockingIOError):
        hold(tmp_path)
    os.close(lock)
    os.close(hold(tmp_path))


def test_who_asks_takes_nothing_from_who_comes_next(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    before = len(os.listdir("/proc/self/fd"))
    assert not is_held(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(hold(tmp_path))


@pytest.mark.parametrize("place", ["nothing", "file/below"])
def test_what_is_no_folder_is_held_by_nobody(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    assert not is_held(tmp_path / place)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    program = f"from lambent.store.folder_lock import hold; from pathlib import Path; hold(Path({str(tmp_path)!r}))"
    with subprocess.Popen(
        [sys.executable, "-c", program + "; print('held', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_held(tmp_path)
        holder.kill()
        holder.wait(60)
    assert not is_held(tmp_path)
