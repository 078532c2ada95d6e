"""After `lambent serve` has ended nothing of it is left, also when its agent had no time to tidy up.

Source of the promise: DESIGN.md, "Contracts that others rely on", and SPECIFICATION.md.
"""

import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambent.sandbox import cgroups
from lambent.sandbox.node import instance_name

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

WAITER = "def handler(event, context):\n    stand(event['gate'])\n    return event\n"


def groups(data: Path) -> list[Path]:
    mounts = cgroups.find_mounts(cgroups.MOUNTS.read_text())
    assert mounts is not None
    return [each for mount in mounts[1].values() if (each := mount / "lambent" / instance_name(data)).exists()]


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def test_nothing_that_a_killed_agent_had_started_lives_beside_its_successor_or_after_the_server(
    own_server: Callable[..., "Platform"],
    descendants_of: Callable[[int], set[int]],
    eventually: Callable[..., set[int]],
) -> None:
    platform = own_server()
    server, client = platform.server, platform.client("lambda")
    name = platform.create_gated(WAITER)

    def agent() -> int:
        told = platform.lambent("status", "--format", "json", "--data", server.data)
        found: dict[str, int] = json.loads(told.stdout)["parts"]["agent"] if told.returncode == 0 else {}
        return found.get("pid") or 0

    def fill() -> None:
        with ThreadPoolExecutor(4) as pool, platform.gate() as gate:
            event = json.dumps({"gate": gate.name})
            asked = [pool.submit(client.invoke, FunctionName=name, Payload=event) for _ in range(4)]
            gate.meet(asked)
        assert all("FunctionError" not in each.result() for each in asked)

    fill()
    first = agent()
    processes = descendants_of(first)
    assert len(processes) > 10
    os.kill(first, signal.SIGKILL)
    second = eventually(lambda: {agent()} - {0, first}).pop()
    assert not alive(processes)
    fill()
    assert groups(server.data) or server.data.stat().st_uid != 0, "an ordinary user has been given none"
    processes = descendants_of(server.process.pid)
    os.kill(server.process.pid, signal.SIGTERM)
    os.kill(second, signal.SIGKILL)
    assert server.stop() == 0
    assert not alive(processes)
    assert groups(server.data) == []
    assert list((server.data / "run").glob("*.sock")) == []


def test_what_a_terminal_tells_all_processes_lets_running_invocations_end(
    own_server: Callable[..., "Platform"], eventually: Callable[..., Any]
) -> None:
    """Ctrl-C and a terminal that is closed reach the whole group at once: SIGINT, SIGHUP. termios(3), setsid(2)."""
    platform = own_server("--drain-s", "100")
    server, client = platform.server, platform.client("lambda")
    name = platform.create_gated(WAITER)
    with ThreadPoolExecutor(1) as pool, platform.gate() as gate:
        call = pool.submit(client.invoke, FunctionName=name, Payload=json.dumps({"gate": gate.name}))
        gate.meet([call])
        for number in (signal.SIGINT, signal.SIGHUP):
            os.killpg(server.process.pid, number)
        eventually(lambda: "supervisor.stop" in server.log_path.read_text())
        assert server.process.poll() is None
        gate.open()
        answer = call.result()
    assert json.load(answer["Payload"]) == {"gate": gate.name}
    assert server.process.wait(100) == 0
    said = server.log_path.read_text()
    assert "a part died" not in said
    assert groups(server.data) == []
