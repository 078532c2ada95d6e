"""`lambent` against a real server: what README.md tells people to type."""

import base64
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

APP = """
def handler(event, context):
    print("working on", event)
    if event.get("fail"):
        raise RuntimeError("as asked")
    return {"sum": sum(event.get("numbers", []))}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / f"sums-{os.getpid()}"
    home.mkdir()
    (home / "app.py").write_text(APP)
    return home


def test_deploy_invoke_logs_and_deploy_again(platform: "Platform", folder: Path, eventually: Any) -> None:
    name = folder.name
    made = platform.lambent("deploy", folder, "--env", "LEVEL=debug")
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip() == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert f"lambent invoke {name}" in made.stderr

    ran = platform.lambent("invoke", name, "--payload", '{"numbers": [1, 2, 3]}')
    assert (ran.returncode, json.loads(ran.stdout)) == (0, {"sum": 6})
    assert re.search(r"REPORT RequestId: .*Billed Duration: \d+ ms", ran.stderr)

    eventually(lambda: "REPORT" in platform.lambent("logs", name).stdout)
    assert "working on {'numbers': [1, 2, 3]}" in platform.lambent("logs", name).stdout

    (folder / "app.py").write_text("def handler(event, context): return 'second'")
    again = platform.lambent("deploy", folder, "--memory", "256")
    assert again.returncode == 0, again.stderr
    assert json.loads(platform.lambent("invoke", name).stdout) == "second"
    kept = platform.client("lambda").get_function_configuration(FunctionName=name)
    assert (kept["MemorySize"], kept["Environment"]["Variables"]) == (256, {"LEVEL": "debug"})


def test_a_function_that_fails_makes_the_command_fail(platform: "Platform", folder: Path) -> None:
    assert platform.lambent("deploy", folder, "--name", f"{folder.name}-fails").returncode == 0
    ran = platform.lambent("invoke", f"{folder.name}-fails", "--payload", '{"fail": true}', "--tail")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["errorMessage"] == "as asked"
    assert "working on" in ran.stderr


def test_following_the_log_shows_what_comes(platform: "Platform", folder: Path) -> None:
    name = f"{folder.name}-followed"
    assert platform.lambent("deploy", folder, "--name", name).returncode == 0
    listening = ["env", "--default-signal=INT"]  # a shell's background jobs ignore it
    program = [*listening, str(platform.bin / "lambent"), "logs", name, "--follow"]
    unbuffered = platform.environment() | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(program, env=unbuffered, stdout=subprocess.PIPE, text=True) as following:
        try:
            platform.lambent("invoke", name, "--payload", '{"numbers": [40, 2]}')
            assert following.stdout is not None
            assert any("[40, 2]" in line for line in following.stdout)  # ends with the first such line
        finally:
            following.send_signal(signal.SIGINT)


def test_status_lists_the_parts_with_living_pids(platform: "Platform") -> None:
    status = json.loads(platform.lambent("status", "--format", "json").stdout)
    pids = [status["parts"]["control"]["pid"], status["parts"]["agent"]["pid"]]
    pids += [edge["pid"] for edge in status["parts"]["edges"]]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    assert isinstance(status["environments"], list)
    assert "control" in platform.lambent("status").stdout


def test_each_process_is_called_what_it_is(platform: "Platform") -> None:
    parts = json.loads(platform.lambent("status", "--format", "json").stdout)["parts"]
    for name in ("control", "agent"):
        called = Path(f"/proc/{parts[name]['pid']}/cmdline").read_text().rstrip("\0")
        assert called == f"lambent {name} --data {platform.server.data}"


def test_the_supervisor_has_one_thread_as_parts_are_forks_of_it(platform: "Platform") -> None:
    assert len(list(Path(f"/proc/{platform.server.process.pid}/task").iterdir())) == 1


def test_status_and_the_health_of_a_server_are_not_the_same_door(platform: "Platform") -> None:
    """Health is for load balancers and unsigned; status says more and wants a signature."""
    import httpx

    health = httpx.get(platform.endpoint + "/_lambent/health")
    assert (health.status_code, health.json()["status"]) == (200, "ready")
    assert httpx.get(platform.endpoint + "/_lambent/status").status_code == 403


def test_the_printed_shell_lines_lead_to_the_server(platform: "Platform") -> None:
    exports = f"{platform.bin}/lambent env --data {platform.server.data}"
    script = f'eval "$({exports})" && {platform.bin}/aws sts get-caller-identity'
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(["bash", "-c", script], env=clean, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["Arn"] == "arn:aws:iam::000000000000:root", done.stderr


def test_the_root_key_is_for_its_owner_alone(platform: "Platform") -> None:
    assert (platform.server.data / "root-key.json").stat().st_mode & 0o777 == 0o600


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A place for temporary files whose path leaves room for the names of sockets."""
    with tempfile.TemporaryDirectory(prefix="lq-", dir="/tmp") as place:
        yield Path(place)


@pytest.mark.slow
def test_the_quick_start_shows_a_thumbnail_and_leaves_nothing(platform: "Platform", short_tmp: Path) -> None:
    environment = platform.environment() | {"TMPDIR": str(short_tmp)}
    program = [str(platform.bin / "lambent"), "quickstart"]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"photograph +\d+ x \d+.*\nthumbnail +128 x \d+", done.stdout)
    assert "REPORT RequestId" in done.stdout
    assert os.listdir(short_tmp) == []


@pytest.mark.slow
def test_a_quick_start_that_is_ended_leaves_nothing_either(platform: "Platform", short_tmp: Path) -> None:
    environment = platform.environment() | {"TMPDIR": str(short_tmp), "PYTHONUNBUFFERED": "1"}
    program = [str(platform.bin / "lambent"), "quickstart"]
    with subprocess.Popen(program, env=environment, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert any("starting a server" in line for line in running.stderr)  # it stands now
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        running.send_signal(signal.SIGTERM)
        running.stderr.read()
        assert running.wait(30) == 130
    assert children
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert os.listdir(short_tmp) == []


def newer(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 9999")


def exposed(file: Path) -> None:
    file.chmod(0o644)


def damaged(file: Path) -> None:
    file.write_text("{")


def another(file: Path) -> None:
    file.write_bytes(base64.urlsafe_b64encode(os.urandom(32)))


REFUSED = (
    ("db/sqs.sqlite", newer, "version 9999.*another data directory"),
    ("root-key.json", exposed, "root-key.json holds a secret and others may read it: run `chmod 600"),
    ("root-key.json", damaged, "root-key.json does not hold a root access key: put it back, or remove it for a new"),
    ("master.key", another, "master.key is another key than the one that sealed the secrets beside it: put that"),
    ("sns-signing.pem", damaged, "sns-signing.pem holds no key with its certificate: put it back, or remove it"),
)


def test_a_data_folder_that_cannot_be_served_is_refused_for_good(own_server: Callable[..., "Platform"]) -> None:
    """It is not tried for ever, and it is not touched; nor does the server's end wait for who never began to serve."""
    platform = own_server()
    assert platform.server.stop() == 0
    command = [*platform.landlord.program, "--data", str(platform.server.data), "--port", "0"]
    for name, spoil, words in REFUSED:
        file = platform.server.data / name
        whole, mode = file.read_bytes(), file.stat().st_mode
        spoil(file)
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        assert re.search(words, said), said
        assert "Traceback" not in said
        assert "a part died" not in said
        assert "edge 0" not in said  # as one that did not stop
        file.write_bytes(whole)
        file.chmod(mode)


def test_what_a_killed_server_wrote_down_leads_nobody_anywhere(own_server: Callable[..., "Platform"]) -> None:
    platform = own_server()
    place = ("--data", platform.server.data)
    assert platform.lambent("env", *place).returncode == 0
    platform.server.process.kill()
    platform.server.process.wait()
    for command in ("env", "status"):
        done = platform.lambent(command, *place)
        assert done.returncode == 1
        assert done.stdout == ""
        assert "no server is running on" in done.stderr
