"""The whole way as an ordinary user: `lambent serve` without root, and a function that uses the platform."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lambent
from lambent.cli.server import Server, free_port
from lambent.sandbox.interpreters import find_runtimes

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

UID = "64243"
SOURCE = """
import boto3, os, resource
def handler(event, context):
    names = [each["FunctionName"] for each in boto3.client("lambda").list_functions()["Functions"]]
    try: os.listdir(event["private"]); seen = True
    except OSError: seen = False
    return {"names": names, "uid": os.getuid(), "seen": seen, "tmp_mb": os.statvfs("/tmp").f_blocks * 4096 // 2**20}
"""


@pytest.fixture
def users_server(platform: "Platform") -> Iterator["Platform"]:
    """A server that root starts as somebody else, with a Python that everybody may run."""
    pythons = find_runtimes([Path("/usr/local/bin"), Path("/usr/bin")])
    if "python3.11" not in pythons:
        pytest.skip("an ordinary user has no python3.11 here: install it with the system's packages")
    home = Path(tempfile.mkdtemp(prefix="lambent-user-", dir="/tmp"))
    home.chmod(0o755)
    os.chown(home, int(UID), int(UID))
    become = (
        "setpriv",
        "--reuid",
        UID,
        "--regid",
        UID,
        "--clear-groups",
        "env",
        "-i",
        f"HOME={home}",
        "PATH=/usr/bin:/bin",
    )
    packages = f"{Path(lambent.__file__).parent.parent}:{Path(pytest.__file__).parent.parent}"
    program = (
        *become,
        f"PYTHONPATH={packages}",
        pythons["python3.11"].executable,
        "-B",
        "-m",
        "lambent.cli.main",
        "serve",
    )
    server = Server(home / "data", free_port(), ["--log-format", "json"], program)
    try:
        server.wait_ready()
        yield type(platform)(server)
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def test_an_ordinary_users_function_runs_behind_walls_and_reaches_the_platform(users_server: "Platform") -> None:
    parts = json.loads(users_server.lambent("status", "--format", "json").stdout)["parts"]
    assert Path(f"/proc/{parts['agent']['pid']}").stat().st_uid == int(UID)
    name = users_server.create(SOURCE, EphemeralStorage={"Size": 600})
    answer = users_server.client("lambda").invoke(
        FunctionName=name, Payload=json.dumps({"private": str(users_server.server.data)})
    )
    told = json.load(answer["Payload"])
    assert told["names"] == [name]
    assert not told["seen"]
    assert told["tmp_mb"] == 600
    assert told["uid"] != 0


def test_more_memory_than_the_function_has_ends_it(users_server: "Platform") -> None:
    name = users_server.create(
        "def handler(e, c):\n    kept = []\n    while True: kept.append(bytearray(b'x') * (1 << 20))"
    )
    answer = users_server.client("lambda").invoke(FunctionName=name)
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"] == "Runtime.OutOfMemory"
