"""A real server for real clients: `lambent serve` in a process of its own, reached over HTTP only.

One server for each test worker. When the last test is done it is stopped by SIGTERM, which has to
end well: exit code 0 in time, and no process of the server left.

Root's servers, unless LAMBENT_AS_USER is set: `ids` makes them those of an ordinary user with subordinate
ids, `alone` those of one without.
"""

import base64
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
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.loaders import create_loader
from tests import csharp
from tests.acceptance.gates import MOUNT, STAND, Gate

import lambent
from lambent.cli.server import SERVE, Server, free_port
from lambent.file_systems import parse
from lambent.sandbox.interpreters import find_runtimes
from lambent.sandbox.user_namespace import MAPPERS

LENDER = 64_555  # who owns the folder that functions may mount
ROOTS_HOME, PYENV = Path("/root"), Path(os.environ.get("PYENV_ROOT", "/root/.pyenv"))
AS_USER = "LAMBENT_AS_USER"
USER, FIRST_SUBORDINATE = "lambent-test", 900_000_000
LISTENING = ("env", "--default-signal=INT,HUP")  # which a job in the background, or under nohup, would ignore
NATIVE = f"python{sys.version_info[0]}.{sys.version_info[1]}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


class Landlord:
    """Who runs the servers of these tests, and owns their folders: root."""

    program: tuple[str, ...] = SERVE
    uid = 0
    has_ids = True  # whether each environment has a uid of its own

    def own(self, folder: Path) -> None:
        """Give `folder` to the one who runs servers."""
        os.chown(folder, self.uid, self.uid)

    def lend(self, home: Path) -> str:
        """A folder below `home` for functions to mount, as `--file-system` wants it, somebody else's if possible."""
        lent = home / "lent"
        lent.mkdir(exist_ok=True)
        os.chown(lent, self.uid or LENDER, self.uid or LENDER)
        return f"lent={lent}"


class OrdinaryUser(Landlord):
    """A user with nothing but a home, as whom root starts servers; with `ids` has 65,536 subordinate ones."""

    uid = 64_243

    def __init__(self, home: Path, *, ids: bool) -> None:
        pythons = find_runtimes([Path("/usr/local/bin"), Path("/usr/bin")])
        if NATIVE not in pythons:
            pytest.skip(f"an ordinary user has no {NATIVE} here: install it with the system's packages")
        if ids and not all(map(shutil.which, MAPPERS)):
            pytest.skip("nobody has subordinate ids here: install uidmap")
        home.chmod(0o755)
        self.has_ids = ids
        packages = f"{Path(lambent.__file__).parent.parent}:{Path(pytest.__file__).parent.parent}"
        kept = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("LAMBENT_")]
        become = ("setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups")
        variables = (
            "env",
            "-i",
            f"HOME={home}",
            f"PATH={home}/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            f"PYTHONPATH={packages}",
            f"PYENV_ROOT={PYENV}",
            f"DOTNET_ROOT={csharp.FETCHED}",
        )
        python = (pythons[NATIVE].executable, "-B")
        self.program = (*(self._with_ids(home) if ids else ()), *become, *variables, *kept, *python, *SERVE[1:])

    def _with_ids(self, home: Path) -> tuple[str, ...]:
        """The start of a command that sees the user and its ids in /etc, where nobody else does."""
        tables = {"passwd": f"{USER}:x:{self.uid}:{self.uid}::{home}:/bin/sh\n"}
        tables |= dict.fromkeys(("subuid", "subgid"), f"{USER}:{FIRST_SUBORDINATE}:65536\n")
        for name, text in tables.items():
            place = Path("/etc", name)
            (home / name).write_text((place.read_text() if place.exists() else "") + text)
        shown = " && ".join([*(f"mount --bind {home}/{name} /etc/{name}" for name in tables), *self._pythons(home)])
        return "unshare", "--mount", "sh", "-c", f'{shown} && exec "$@"', "sh"

    @staticmethod
    def _pythons(home: Path) -> list[str]:
        """Commands that show to everybody what root has of Pythons and nothing else of root's home."""
        if not PYENV.is_dir() or not PYENV.is_relative_to(ROOTS_HOME):
            return []
        aside = home / "pyenv"
        aside.mkdir()
        hidden = f"mount -t tmpfs -o mode=755 none {ROOTS_HOME} && mkdir -p {PYENV}"
        return [f"mount --bind {PYENV} {aside}", hidden, f"mount --bind {aside} {PYENV}", f"umount {aside}"]


def landlord_of(home: Path, wanted: str | None) -> Landlord:
    """`ids`, `alone` or nobody: the owner of `home` from now on."""
    if os.geteuid() != 0:
        pytest.skip("the tests become other users, which needs root")
    landlord = Landlord() if wanted is None else OrdinaryUser(home, ids=wanted == "ids")
    landlord.own(home)
    return landlord


class Platform:
    """A running server, as its users see it."""

    bin = Path(sys.executable).parent
    registry_port = 0  # where the server expects a registry without TLS

    models = create_loader(os.environ.get("AWS_DATA_PATH"))  # keeps what it has read: a client is ten times as quick

    def __init__(self, server: Server, landlord: Landlord | None = None) -> None:
        self.server, self.endpoint = server, server.endpoint
        self.landlord = landlord or Landlord()
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

    def operate(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `lambent` as the one who runs the server, for what is done in its folder."""
        return self.command(*self.landlord.program[:-1], *words)

    def runtimes(self) -> set[str]:
        """The runtimes that the server has an interpreter for."""
        said = self.lambent("runtimes", "--data", self.server.data, "--format", "json")
        return {each["runtime"] for each in json.loads(said.stdout)}

    def waiting(self, language: str) -> list[dict[str, Any]]:
        """The pools of the runtimes of a language that have something ready-made."""
        told = json.loads(self.lambent("runtimes", "--data", self.server.data, "--format", "json").stdout)
        pools = [pool for one in told if one["runtime"].startswith(language) for pool in one["waiting"]]
        return [pool for pool in pools if pool["count"]]

    def create(self, source: str, **parameters: Any) -> str:
        """A function with `source` as app.py, active; its name, which no other test has."""
        lambda_ = self.client("lambda")
        name = f"test-{uuid.uuid4().hex[:12]}"
        code = {"ZipFile": zipped({"app.py": source})}
        defaults = {"Runtime": "python3.11", "Role": self.role(), "Handler": "app.handler", "Timeout": 30, "Code": code}
        lambda_.create_function(FunctionName=name, **(defaults | parameters))
        lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def create_from(
        self, files: Mapping[str, str | bytes], runtime: str, handler: str, programs: Iterable[str] = (), **more: Any
    ) -> str:
        """The same from a package of these files, `programs` among them executable."""
        code = {"ZipFile": zipped(files, programs)}
        return self.create("", **{"Code": code, "Runtime": runtime, "Handler": handler} | more)

    def invoke(self, name: str, event: Any = None, **parameters: Any) -> tuple[Any, str, bool]:
        """What a function answers, what it logs meanwhile, and whether it fails; on `steady`."""
        answer = self.steady.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail", **parameters)
        log = base64.b64decode(answer["LogResult"]).decode()
        return json.loads(answer["Payload"].read()), log, "FunctionError" in answer

    def gate(self) -> Gate:
        """A gate for functions that `create_gated` made."""
        return Gate(self.server.data.parent / "lent")

    def create_gated(self, source: str, **parameters: Any) -> str:
        """A function whose handler may call `stand(event["gate"])`."""
        return self.create(STAND + source, **{"Timeout": 120, "FileSystemConfigs": [self.gates()]} | parameters)

    def gates(self) -> dict[str, str]:
        """What a function has among its FileSystemConfigs to see gates; `create_gated` adds it."""
        lent = parse(f"lent={self.server.data.parent}/lent", "0" * 12, self.variables["AWS_DEFAULT_REGION"])
        return {"Arn": lent.arn, "LocalMountPath": MOUNT}

    def logged(self, where: str, pattern: str = "") -> list[str]:
        """What a function (or a log group, by its name with "/") has logged so far, a text for each event; nothing
        while the group is not there: the first line makes it, a moment after the answer."""
        group = where if where.startswith("/") else f"/aws/lambda/{where}"
        logs = self.client("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern)
            return [event["message"] for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

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

    def wait(condition: Callable[[], Any], limit_s: float = 60.0) -> Any:
        deadline_s = time.monotonic() + limit_s
        while not (answer := condition()):
            assert time.monotonic() < deadline_s, f"not so within {limit_s} s"
            threading.Event().wait(0.1)
        return answer

    return wait


def zipped(files: Mapping[str, str | bytes], programs: Iterable[str] = ()) -> bytes:
    """A deployment package, in which only `programs` can be run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o755 if name in programs else 0o644) << 16
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


def state_of(pid: int) -> str:
    """Its name and state, as the kernel tells them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().partition(" ")[2][:30]
    except OSError:
        return "gone by now"


def check_stop(server: Server) -> None:
    """Stop by SIGTERM, as an init system would, and hold the promises about it."""
    before = descendants_of(server.process.pid)
    code = server.stop()
    assert code == 0, f"exit code {code} after SIGTERM: {server.last_words()}"
    left = {pid: state_of(pid) for pid in before if Path(f"/proc/{pid}").exists()}
    assert not left, f"processes left behind: {left}; {server.last_words()}"
    assert not processes_of(server.data)


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """A server of this worker's own. Unix sockets need a short path, so it lives right under /tmp."""
    home = Path(tempfile.mkdtemp(prefix="lambent-test-", dir="/tmp"))
    landlord = landlord_of(home, os.environ.get(AS_USER))
    flags = ["--log-format", "json", "--endpoint-allow", "127.0.0.0/8"]  # where the subscribers of tests listen
    flags += ["--file-system", landlord.lend(home)]
    os.environ.setdefault("DOTNET_ROOT", str(csharp.FETCHED))
    registry_port = free_port()
    flags += ["--image-registry", f"http://127.0.0.1:{registry_port}"]
    server = Server(home / "data", free_port(), flags, landlord.program)
    try:
        server.wait_ready()
        shared = Platform(server, landlord)
        shared.registry_port = registry_port
        yield shared
        check_stop(server)
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder whose files whoever runs servers may read; `tmp_path` is root's alone."""
    with tempfile.TemporaryDirectory(prefix="lambent-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def s3(platform: Platform) -> Any:
    """Its client."""
    return platform.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """An empty bucket of the test's own."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def own_server() -> Iterator[Callable[..., Platform]]:
    """Start servers of one's own on one data folder: `own_server("--edges", "2")`; call it again after
    a kill to start on what the killed one left."""
    yield from servers(os.environ.get(AS_USER))


@pytest.fixture
def users_server() -> Iterator[Platform]:
    """The server of an ordinary user without subordinate ids."""
    for start in servers("alone"):
        yield start("--log-format", "json")


def servers(wanted: str | None) -> Iterator[Callable[..., Platform]]:
    """What starts servers of `landlord_of(..., wanted)` on one data folder; in the end they are stopped."""
    home = Path(tempfile.mkdtemp(prefix="lambent-", dir="/tmp"))
    running: list[Server] = []
    try:
        landlord = landlord_of(home, wanted)

        def start(*flags: str) -> Platform:
            lent = ("--file-system", landlord.lend(home))
            server = Server(home / "data", free_port(), (*lent, *flags), (*LISTENING, *landlord.program))
            running.append(server)
            server.wait_ready()
            return Platform(server, landlord)

        yield start
    finally:
        for server in running:
            server.stop()
        shutil.rmtree(home, ignore_errors=True)
