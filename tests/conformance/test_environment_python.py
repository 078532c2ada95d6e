"""Both ends of the channel together: LiveEnvironment and a real Python bootstrap, forked as from a zygote.

Sources: src/lambent/environment/api.py; behaviours sections 8 and 15.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lambent.clock import SystemClock
from lambent.environment import frames
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.live import LiveEnvironment
from lambent.model.environment import EnvironmentExit, EnvironmentGrant
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation

RUNTIME = Path(frames.__file__).parents[1] / "runtimes" / "python"
# Imported first and forked after, as a zygote does; the parent ends as its child has ended.
ZYGOTE = """import os, sys
sys.path.insert(0, sys.argv[1])
import bootstrap
child = os.fork()
if not child:
    bootstrap.run(int(sys.argv[2]), 'app.handler', 'on-demand')
os.close(int(sys.argv[2]))
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
os.kill(os.getpid(), -status) if status < 0 else os._exit(status)
"""
KEY = FunctionKey("000000000000", "us-east-1", "f")
LATER_S, LIMIT_BYTES = 60.0, 6 * 1024 * 1024


class Function:
    """A function in an environment; plays the agent's part when the process ends."""

    def __init__(self, root: Path, source: str) -> None:
        (root / "app.py").write_text(source)
        channel, theirs = socket.socketpair()
        output, write_end = os.pipe()
        fd = theirs.fileno()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", ZYGOTE, str(RUNTIME), str(fd)],
            pass_fds=(fd,),
            cwd=root,
            env={"LAMBDA_TASK_ROOT": str(root), "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"},
            stdout=write_end,
            stderr=write_end,
            start_new_session=True,
        )
        theirs.close()
        os.close(write_end)
        self.environment = LiveEnvironment(EnvironmentGrant("e", "k"), channel, output, None, SystemClock())
        self.watch = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        status = await asyncio.to_thread(self.process.wait)
        notice = EnvironmentExit("e", exit_status=status) if status >= 0 else EnvironmentExit("e", signal=-status)
        self.environment.exited(notice)

    async def invoke(self, event: object = None, timeout_s: float = LATER_S) -> Outcome:
        invocation = Invocation("r-1", KEY, "", json.dumps(event).encode())
        return await self.environment.invoke(invocation, "arn", timeout_s, LIMIT_BYTES)

    async def answer(self, event: object = None) -> object:
        outcome = await self.invoke(event)
        assert outcome.kind is OutcomeKind.RESPONSE, (outcome, self.lines())
        return json.loads(outcome.payload)

    def lines(self) -> list[str]:
        return [line.text for line in self.environment.take_lines()]


Deploy = Callable[[str], Awaitable[Function]]


@pytest.fixture
async def deploy(tmp_path: Path) -> AsyncIterator[Deploy]:
    """`await deploy(source)`: a function that is ready."""
    made: list[Function] = []

    async def ready(source: str) -> Function:
        made.append(Function(tmp_path, source))
        outcome = await made[-1].environment.wait_ready(LATER_S)
        assert outcome.kind is OutcomeKind.READY, (outcome, made[-1].lines())
        return made[-1]

    yield ready
    for function in made:
        async with ending(function):
            function.environment.close()


@asynccontextmanager
async def ending(function: Function) -> AsyncIterator[None]:
    """The process is gone at the end, however stuck the function is: its children hold the output."""
    yield
    try:
        await asyncio.wait_for(asyncio.shield(function.watch), 0.5)
    except TimeoutError:
        os.killpg(function.process.pid, signal.SIGKILL)
        await function.watch


async def test_globals_stay_from_one_invocation_to_the_next(deploy: Deploy) -> None:
    function = await deploy("calls = []\ndef handler(e, c):\n    calls.append(e)\n    return calls")
    assert await function.answer(1) == [1]
    assert await function.answer({"b": None}) == [1, {"b": None}]


async def test_every_line_of_an_invocation_is_there_with_its_outcome(deploy: Deploy) -> None:
    function = await deploy(
        "import os\ndef handler(e, c):\n    for i in range(e): print('line', i)\n    os.system('echo child')"
    )
    for count in (0, 1, 300):
        await function.answer(count)
        assert function.lines() == [*(f"line {number}" for number in range(count)), "child"]


async def test_a_function_that_raises_serves_on(deploy: Deploy) -> None:
    function = await deploy("def handler(e, c): return 1 / e")
    outcome = await function.invoke(0)
    assert (outcome.kind, outcome.error_type) == (OutcomeKind.ERROR, "ZeroDivisionError")
    assert json.loads(outcome.payload)["errorMessage"] == "division by zero"
    assert len(function.lines()) == 1
    assert await function.answer(2) == 0.5


@pytest.mark.parametrize(
    ("statement", "exit_status", "ended_by"),
    [("sys.exit(3)", 3, 0), ("os._exit(0)", 0, 0), ("os.kill(os.getpid(), 9)", -1, 9), ("os.abort()", -1, 6)],
)
async def test_exits_and_signals_are_told_apart(
    deploy: Deploy, statement: str, exit_status: int, ended_by: int
) -> None:
    function = await deploy(f"import os, sys\ndef handler(e, c):\n    print('before')\n    {statement}")
    outcome = await function.invoke()
    assert outcome.kind is OutcomeKind.EXIT
    assert outcome.exit is not None
    assert (outcome.exit.exit_status, outcome.exit.signal) == (exit_status, ended_by)
    assert function.lines()[0] == "before"


async def test_a_function_that_cannot_be_loaded_is_an_init_error(tmp_path: Path) -> None:
    function = Function(tmp_path, "import nothing_of_the_sort")
    outcome = await function.environment.wait_ready(LATER_S)
    assert (outcome.kind, outcome.error_type) == (OutcomeKind.ERROR, "Runtime.ImportModuleError")
    assert outcome.duration_us > 0
    await function.watch
    assert not function.environment.usable
    function.environment.close()


async def test_a_function_that_does_not_return_times_out(deploy: Deploy) -> None:
    function = await deploy("def handler(e, c):\n    print('busy')\n    while e: pass")
    await function.answer(0)
    outcome = await function.invoke(1, timeout_s=0.1)
    assert outcome.kind is OutcomeKind.TIMEOUT
    assert 100_000 <= outcome.duration_us < 60_000_000


async def test_a_thread_that_outlives_its_invocation_writes_to_the_log_only(deploy: Deploy) -> None:
    function = await deploy(
        """import sys, threading
sys.setswitchinterval(1e-5)
def chatter():
    while True:
        sys.stdout.write('x' * 40 + '\\n')
        sys.stderr.write('y\\n')
def handler(e, c):
    if e: threading.Thread(target=chatter, daemon=True).start()
    return e
"""
    )
    assert await function.answer(1) == 1
    for _ in range(10):
        assert await function.answer(0) == 0
        function.lines()


async def test_a_flood_of_prints_comes_to_its_end(deploy: Deploy) -> None:
    function = await deploy("def handler(e, c):\n    for _ in range(60000): print('x' * 99)\n    return 'done'")
    assert await function.answer() == "done"
    assert function.lines()[-1].startswith("[lambent] ")


async def test_a_response_over_the_limit_leaves_it_usable(deploy: Deploy) -> None:
    function = await deploy("def handler(e, c): return 'x' * e")
    assert (await function.invoke(LIMIT_BYTES)).kind is OutcomeKind.TOO_LARGE
    assert await function.answer(LIMIT_BYTES - 2) == "x" * (LIMIT_BYTES - 2)


async def test_a_function_that_forges_frames_ends_only_itself(deploy: Deploy) -> None:
    function = await deploy(
        """import os, stat
def handler(e, c):
    for fd in range(3, 50):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, b'\\xff' * 100)
        except OSError: pass
    return 'never'
"""
    )
    assert (await function.invoke()).kind is OutcomeKind.GARBAGE
