"""Starting what is not a Python function: the program of a custom runtime, and external extensions.

`become_program` replaces this process. When there is no program to become it says so on the Runtime API, as any runtime
tells that it cannot start, or as the language's own does. A function's wrapper (AWS_LAMBDA_EXEC_WRAPPER) is given the
whole command that would have been run. `supervise` forks: it comes back in the process that is to be the runtime, when
the platform says so, and stays here as the parent of extensions and runtime. It tells the platform how each of them
ends.

Words, JSON packets. From the platform: {"start": true}: now the runtime. To it: {"extension", "status"} and
{"runtime", "status"} (wait statuses), {"failed", "error"}: an extension that cannot be started.

SIGTERM, from the agent, begins the shutdown: it is passed on to the runtime, which has RUNTIME_SHUTDOWN_S; the
extensions hear of it through their own API. When all have ended, so does this process, and with it the sandbox.

Sources: Lambda Developer Guide, "Lambda execution environment lifecycle" (order, shutdown) and "Using the Lambda
Extensions API" (variables that extensions do not get); behaviours section 11.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    from .guest import Early

EXTENSIONS = "/opt/extensions"
RUNTIME_SHUTDOWN_S = 0.3
CHANNEL, WORD_BYTES = 3, 65536
WRAPPER_MISSING, WRAPPER_UNFIT = 127, 126
OF_THE_HOST, PAUSES_S = (errno.EAGAIN, errno.ENFILE, errno.ENOMEM), (0.01, 0.05, 0.2, 0.5)
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
NOT_FOR_EXTENSIONS = ("AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME") + (
    *("AWS_XRAY_CONTEXT_MISSING", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_HANDLER"),
)


def become_program(programs: dict[str, Any], wrapper: str, port: int) -> NoReturn:
    """Become the first of the programs whose file is there, by way of the function's wrapper, if it has one."""
    files = [choice["file"] for choice in programs["choices"]]
    error = f"Couldn't find valid bootstrap(s): [{' '.join(files)}]"
    chosen = next((choice["command"] for choice in programs["choices"] if os.path.isfile(choice["file"])), None)
    if chosen is not None:
        command = wrapped(wrapper, chosen)
        try:
            execute(command[0], command, {**programs["variables"], **os.environ})
        except OSError as failure:
            error = f"fork/exec {command[0]}: {os.strerror(failure.errno or 0).lower()}"
    elif programs["missing"]:
        say_and_exit(programs["missing"], programs["status"])
    fail("Runtime.InvalidEntrypoint", error, port)


def wrapped(wrapper: str, command: list[str]) -> list[str]:
    """The command with the function's `wrapper` in front; ends the process as AWS's runtimes do where there is none.

    Source: the open bootstrap of AWS's .NET runtimes.
    """
    if not wrapper:
        return command
    if not os.path.isfile(wrapper):
        say_and_exit(f"{wrapper}: does not exist", WRAPPER_MISSING)
    if not os.access(wrapper, os.X_OK):
        say_and_exit(f"{wrapper}: is not an executable", WRAPPER_UNFIT)
    return [wrapper, *command]


def say_and_exit(line: str, status: int) -> NoReturn:
    """A line of the function's log, and the end."""
    os.write(2, f"{line}\n".encode())
    os._exit(status)


def execute(program: str, command: list[str], variables: Mapping[str, str]) -> NoReturn:
    """Replace this process by `program`, also where the host is short of something for a moment. Raises OSError."""
    for number in IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    for pause_s in PAUSES_S:
        try:
            os.execve(program, command, variables)  # noqa: S606 - the user's own
        except OSError as error:
            if error.errno not in OF_THE_HOST:
                raise
        time.sleep(pause_s)
    os.execve(program, command, variables)  # noqa: S606 - the user's own


def fail(error_type: str, message: str, port: int) -> NoReturn:
    """End, having said on the Runtime API why the runtime cannot start."""
    body = json.dumps({"errorType": error_type, "errorMessage": message, "stackTrace": []}).encode()
    head = (
        f"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Lambda-Runtime-Function-Error-Type: {error_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket() as connection:  # `create_connection` imports; an image has nothing for us
        connection.connect(("127.0.0.1", port))
        connection.sendall(head.encode() + body)
        connection.recv(1)  # it has arrived
    os._exit(1)


def supervise(
    names: list[str], words: int, output: int, early: Early | None = None, assign: Callable[[], None] | None = None
) -> None:
    """Start the extensions; returns in the runtime's process, in no other. Where the runtime's program waits already
    (`early`) it is given its function by `assign`, and this does not return."""
    if early is not None:
        os.close(CHANNEL)
    _Supervisor(socket.socket(fileno=words), early, assign).run(names, output)


class _Supervisor:
    """The process between init and the programs."""

    def __init__(self, words: socket.socket, early: Early | None, assign: Callable[[], None] | None) -> None:
        self._words, self._early, self._assign = words, early, assign
        self._children: dict[int, str] = {} if early is None else {early.pid: ""}  # by pid; "" is the runtime
        self._runtime = 0
        self._stopping = False

    def run(self, names: list[str], output: int) -> None:
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(wake)
        for name in names:
            self._children[self._start_extension(name, output)] = name
        os.close(output)
        sources = [self._words.fileno(), woken]
        while self._children or not self._runtime:
            ready, _, _ = select.select(sources, [], [])
            if woken in ready:
                self._signalled(os.read(woken, 64))
            if self._words.fileno() in ready:
                word = self._words.recv(WORD_BYTES)
                if not word:
                    sources.remove(self._words.fileno())  # the edge has let go; the agent has not
                elif not self._runtime and not self._stopping and self._start_runtime():
                    return
        os._exit(0)

    def _start_extension(self, name: str, output: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            _forget_signals()
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.chdir("/")
            execute(
                f"{EXTENSIONS}/{name}",
                [f"{EXTENSIONS}/{name}"],
                {key: value for key, value in os.environ.items() if key not in NOT_FOR_EXTENSIONS},
            )
        except OSError as error:
            self._tell({"failed": name, "error": os.strerror(error.errno or 0).lower()})
        finally:
            os._exit(1)

    def _start_runtime(self) -> bool:
        """Whether this is the runtime now."""
        if self._early is not None and self._assign is not None:
            self._runtime = self._early.pid
            self._assign()
            return False
        self._runtime = os.fork()
        if self._runtime:
            self._children[self._runtime] = ""
            os.close(CHANNEL)  # only the runtime has it
            return False
        _forget_signals()
        return True

    def _signalled(self, numbers: bytes) -> None:
        if signal.SIGTERM in numbers and not self._stopping:
            self._stopping = True
            if not self._runtime:
                self._runtime = -1  # never to be
                if self._early is not None:
                    self._early.kill()
            self._signal_runtime(signal.SIGTERM)
            signal.setitimer(signal.ITIMER_REAL, RUNTIME_SHUTDOWN_S)
        if signal.SIGALRM in numbers:
            self._signal_runtime(signal.SIGKILL)
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._ended(self._children.pop(pid, "?"), status)

    def _signal_runtime(self, number: int) -> None:
        if self._runtime in self._children:
            os.kill(self._runtime, number)

    def _ended(self, name: str, status: int) -> None:
        if name:
            self._tell({"extension": name, "status": status})
            return
        self._tell({"runtime": True, "status": status})

    def _tell(self, word: dict[str, object]) -> None:
        try:
            self._words.send(json.dumps(word).encode())
        except OSError:  # the edge has let go
            return


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
