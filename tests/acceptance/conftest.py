"""A real server for real clients: `lambent serve` in a process of its own, reached over HTTP only.

One server for each test worker. When the last test is done it is stopped by SIGTERM, which has to
end well: exit code 0 within 10 seconds, and no process of the server left.
"""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.loaders import create_loader

from lambent.cli.server import Server, free_port
from lambent.sandbox.launch import look_at_host

STOP_PROMISE_S = 10.0
LENDER = 64_555  # who owns the folder that functions may mount
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


class Platform:
    """A running server, as its users see it."""

    bin = Path(sys.executable).parent

    models = create_loader(os.environ.get("AWS_DATA_PATH"))  # keeps what it has read: a client is ten times as quick

    def __init__(self, server: Server) -> None:
        self.server, self.endpoint = server, server.endpoint
        answer = subprocess.run(
            [self.bin / "lambent", "env", "--data", server.data, "--format", "json"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.variables: dict[str, str] = json.loads(answer.stdout)

    def session(self) -> boto3.Session:
        """A boto3 session with the root access key; clients need `endpoint_url=platform.endpoint`."""
        core = botocore.session.Session()
        core.register_component("data_loader", self.models)
        return boto3.Session(
            botocore_session=core,
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            region_name=self.variables["AWS_DEFAULT_REGION"],
        )

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client that tries once, so that no fault of ours is hidden by a retry."""
        options = {"retries": {"total_max_attempts": 1}, "read_timeout": 70} | config
        return self.session().client(service, endpoint_url=self.endpoint, config=Config(**options))

    @cached_property
    def steady(self) -> Any:
        """A Lambda client on one connection that stays. What comes on it comes to one edge, and so, one after
        the other, to one environment, also where that cannot move to another edge (custom runtimes, extensions)."""
        return self.client("lambda")

    def environment(self) -> dict[str, str]:
        """What the shell of a user holds after `eval "$(lambent env)"`, and nothing else of AWS."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}
        nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_PAGER": ""}
        return clean | self.variables | nowhere | {"AWS_EC2_METADATA_DISABLED": "true"}

    def command(self, *words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program with that environment; never raises for its exit code."""
        options = {"capture_output": True, "text": True, "timeout": 120, "stdin": subprocess.DEVNULL} | options
        return subprocess.run(words, env=self.environment(), check=False, **options)

    def aws(self, *words: str | Path) -> Any:
        """The answer of the unmodified `aws` command line, as JSON (None where it says nothing)."""
        done = self.command(self.bin / "aws", *words, "--output", "json")
        assert done.returncode == 0, f"aws {' '.join(map(str, words))}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def aws2(self) -> tuple[str, ...]:
        """The start of a command for version 2 of `aws`, which is no Python package: the host's own."""
        for place in ("/usr/local/bin/aws", "/usr/bin/aws"):
            if Path(place).exists() and "aws-cli/2" in self.command(place, "--version").stdout:
                # Versions before 2.13 do not read AWS_ENDPOINT_URL.
                return place, "--endpoint-url", self.endpoint
        pytest.skip("version 2 of the AWS command line is not here: apt-get install awscli")

    def lambent(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `lambent` as that user."""
        return self.command(self.bin / "lambent", *words)

    def runtimes(self) -> set[str]:
        """The runtimes that this host has an interpreter for."""
        return set(look_at_host().runtimes)

    def create(self, source: str, **parameters: Any) -> str:
        """A function with `source` as app.py, active; its name, which no other test has."""
        lambda_ = self.client("lambda")
        name = f"test-{uuid.uuid4().hex[:12]}"
        code = {"ZipFile": zipped({"app.py": source})}
        defaults = {"Runtime": "python3.11", "Role": self.role(), "Handler": "app.handler", "Timeout": 30, "Code": code}
        lambda_.create_function(FunctionName=name, **(defaults | parameters))
        lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def role(self) -> str:
        """The ARN of an execution role, made at the first use."""
        iam = self.client("iam")
        try:
            made = iam.create_role(RoleName="acceptance", AssumeRolePolicyDocument=json.dumps(TRUST))
        except iam.exceptions.EntityAlreadyExistsException:
            made = iam.get_role(RoleName="acceptance")
        return str(made["Role"]["Arn"])


@pytest.fixture(name="descendants_of")
def descendants_of_fixture() -> Callable[[int], set[int]]:
    """The processes below another."""
    return descendants_of


@pytest.fixture(name="zipped")
def zipped_fixture() -> Callable[[dict[str, str | bytes]], bytes]:
    """Make deployment packages: `zipped({"app.py": source})`."""
    return zipped


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Wait for a condition on a real server; what it answered once that is true."""

    def wait(condition: Callable[[], Any], limit_s: float = 20.0) -> Any:
        deadline_s = time.monotonic() + limit_s
        while not (answer := condition()):
            assert time.monotonic() < deadline_s, f"not so within {limit_s} s"
            threading.Event().wait(0.1)
        return answer

    return wait


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A deployment package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def processes_of(data: Path) -> dict[int, str]:
    """Every process whose command line or environment names this server's folder."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = ((entry / name).read_bytes() for name in ("cmdline", "environ"))
        except OSError:  # it ended while we looked
            continue
        if str(data).encode() in command + environment:
            found[int(entry.name)] = command.replace(b"\0", b" ").decode("utf-8", "replace")
    return found


def descendants_of(pid: int) -> set[int]:
    """The processes below `pid` now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry.name))
    below, waiting = set(), [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            below.add(child)
            waiting.append(child)
    return below


def check_stop(server: Server) -> None:
    """Stop by SIGTERM, as an init system would, and hold the promises about it."""
    before = descendants_of(server.process.pid)
    begin_s = time.monotonic()
    code = server.stop()
    took_s = time.monotonic() - begin_s
    assert code == 0, f"exit code {code} after SIGTERM: {server.last_words()}"
    assert took_s < STOP_PROMISE_S, f"SIGTERM took {took_s:.1f} s"
    left = {pid for pid in before if Path(f"/proc/{pid}").exists()}
    assert not left, f"processes left behind: {left}"
    assert not processes_of(server.data)


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A server of this worker's own. Unix sockets need a short path, so it lives right under /tmp."""
    if os.geteuid() != 0:
        pytest.skip("the sandbox needs root here; run the acceptance tests as root")
    home = Path(tempfile.mkdtemp(prefix="lambent-test-", dir="/tmp"))
    (home / "lent").mkdir()
    os.chown(home / "lent", LENDER, LENDER)
    flags = ["--log-format", "json", "--endpoint-allow", "127.0.0.0/8"]  # where the subscribers of tests listen
    flags += ["--file-system", f"lent={home}/lent"]
    server = Server(home / "data", free_port(), flags)
    try:
        server.wait_ready()
        yield Platform(server)
        check_stop(server)
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def own_server() -> Iterator[Callable[..., Platform]]:
    """Start servers of one's own on one data folder: `own_server("--edges", "2")`; call it again after
    a kill to start on what the killed one left."""
    if os.geteuid() != 0:
        pytest.skip("real sandboxes need root")
    home = Path(tempfile.mkdtemp(prefix="lambent-", dir="/tmp"))
    servers: list[Server] = []

    def start(*flags: str) -> Platform:
        server = Server(home / "data", free_port(), flags)
        servers.append(server)
        server.wait_ready()
        return Platform(server)

    yield start
    for server in servers:
        server.stop()
    shutil.rmtree(home, ignore_errors=True)
