"""Whether a program that was started ahead waits for its function, seen on a program of the same shape."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from lambent.sandbox.booted import waits_for_function

# A sandbox's first process, the tenant, and the program, which boots until it is told to go on.
PROGRAM = """
import os, sys
read, write = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.dup2(read, 4)
        print("boots", flush=True)
        sys.stdin.read(1)
        os.read(4, 1)
        os._exit(0)
os.wait()
"""


@pytest.fixture
def booting() -> Iterator[subprocess.Popen[str]]:
    program, pipe = [sys.executable, "-I", "-c", PROGRAM], subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as init:
        assert init.stdout is not None
        assert init.stdout.readline() == "boots\n"
        yield init
        os.killpg(init.pid, signal.SIGKILL)  # those below it live on without it


def eventually(condition: Callable[[], bool]) -> None:
    while not condition():
        pass


def test_a_program_that_boots_is_not_ready_and_one_that_reads_its_assignment_is(
    booting: subprocess.Popen[str],
) -> None:
    assert not waits_for_function(booting.pid)
    assert booting.stdin is not None
    booting.stdin.write("x")
    booting.stdin.flush()
    eventually(lambda: waits_for_function(booting.pid))


def test_what_has_ended_does_not_wait(booting: subprocess.Popen[str]) -> None:
    booting.kill()
    booting.wait()
    assert not waits_for_function(booting.pid)
