"""How environments start, rest, and end, as a user sees it."""

import json
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambent.sandbox.node import instance_name

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

BUSY = """
import threading
turns = 0
def burn():
    global turns
    while True:
        turns += 1
threading.Thread(target=burn, daemon=True).start()
def handler(event, context):
    return turns
"""


def invoked(platform: "Platform", name: str, payload: bytes = b"{}") -> Any:
    answer = platform.client("lambda").invoke(FunctionName=name, Payload=payload)
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


def cpu_ticks(platform: "Platform", name: str) -> int:
    """Of all processes of the function's only environment."""
    status = json.loads(platform.lambent("status", "--data", platform.server.data, "--format", "json").stdout)
    [pid] = [each["pid"] for each in status["environments"] if each["function"]["name"] == name]
    [runtime] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{runtime}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_background_thread_uses_no_cpu_between_invocations(
    platform: "Platform", eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    """Source: Lambda Developer Guide, "Lambda execution environment lifecycle"."""
    name = platform.create(BUSY)
    turns = invoked(platform, name)
    seen: list[int] = []

    def stands_still() -> bool:
        seen.append(cpu_ticks(platform, name))  # each look takes a command's time
        return len(seen) > 2 and len(set(seen[-3:])) == 1

    eventually(stands_still)
    eventually(lambda: invoked(platform, name) > turns)  # the same environment, and its thread goes on


def explained(platform: "Platform", name: str) -> tuple[dict[str, tuple[float, float]], str]:
    """What `lambent invoke --explain` shows: for each stage its milliseconds and its share in percent; and REPORT."""
    done = platform.lambent("invoke", name, "--explain", "--data", platform.server.data)
    assert done.returncode == 0, done.stderr
    words = [line.split() for line in done.stderr.splitlines()]
    rows = [row for row in words if len(row) > 2 and row[2].endswith("%")]
    return {name: (float(ms), float(share.rstrip("%"))) for name, ms, share, *_ in rows}, done.stderr


def test_a_cold_start_is_explained_stage_by_stage_and_a_warm_one_says_that_it_is_warm(platform: "Platform") -> None:
    name = platform.create("import time\ntime.sleep(0.3)\ndef handler(event, context): time.sleep(0.2)")
    cold, report = explained(platform, name)
    told = dict(re.findall(r"  (Duration|Init Duration): ([0-9.]+) ms", report))
    assert list(cold) == ["queue", "placement", "sandbox", "fork", "cgroup", "mount", "between", "init", "invoke"]
    assert cold["init"][0] >= 300, "the sleep of the module"
    assert cold["invoke"][0] >= 200, "the handler's"
    assert {"Duration": cold["invoke"][0], "Init Duration": cold["init"][0]} == {
        what: float(ms) for what, ms in told.items()
    }
    assert cold["mount"][0] > 0
    assert abs(sum(share for _, share in cold.values()) - 100) <= len(cold), "shares are rounded"
    assert list(explained(platform, name)[0]) == ["invoke"]


def test_times_are_told_only_to_who_asks(platform: "Platform") -> None:
    answer = platform.client("lambda").invoke(FunctionName=platform.create("def handler(event, context): return 1"))
    assert "server-timing" not in answer["ResponseMetadata"]["HTTPHeaders"]


def open_files(pid: int) -> list[str]:
    """The soft and the hard limit of a process, whose user may be another."""
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line.split()[3:5] for line in limits if line.startswith("Max open files"))


def test_a_low_limit_of_open_files_is_raised_in_every_part(own_server: Callable[..., "Platform"]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        platform = own_server()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    parts = json.loads(platform.lambent("status", "--data", platform.server.data, "--format", "json").stdout)["parts"]
    for pid in (parts["control"]["pid"], parts["agent"]["pid"], *(edge["pid"] for edge in parts["edges"])):
        assert open_files(pid) == [str(hard), str(hard)]
    source = "import resource\ndef handler(event, context): return resource.getrlimit(resource.RLIMIT_NOFILE)"
    assert invoked(platform, platform.create(source)) == [1024, 1024], "AWS's, whatever the host's"


def groups_of(platform: "Platform") -> list[Path]:
    """The control groups of the server's environments."""
    return list(Path("/sys/fs/cgroup").glob(f"**/lambent/{instance_name(platform.server.data)}/*/"))


def test_after_a_kill_of_the_supervisor_alone_nothing_lives_and_the_next_start_sweeps_up(
    own_server: Callable[..., "Platform"], eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    platform = own_server()
    name = platform.create(BUSY)
    invoked(platform, name)
    status = json.loads(platform.lambent("status", "--data", platform.server.data, "--format", "json").stdout)
    parts = status["parts"]
    pids = [parts["control"]["pid"], parts["agent"]["pid"], *(edge["pid"] for edge in parts["edges"])]
    pids += [each["pid"] for each in status["environments"]]
    platform.server.process.kill()
    platform.server.process.wait()
    eventually(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()])
    again = own_server()
    assert invoked(again, name) >= 0
    assert again.server.stop() == 0
    assert groups_of(again) == []
