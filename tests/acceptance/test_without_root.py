"""The whole way as an ordinary user: `lambent serve` without root, and a function that uses the platform."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SOURCE = """
import boto3, os, resource
def handler(event, context):
    names = [each["FunctionName"] for each in boto3.client("lambda").list_functions()["Functions"]]
    try: os.listdir(event["private"]); seen = True
    except OSError: seen = False
    return {"names": names, "uid": os.getuid(), "seen": seen, "tmp_mb": os.statvfs("/tmp").f_blocks * 4096 // 2**20}
"""


def test_an_ordinary_users_function_runs_behind_walls_and_reaches_the_platform(users_server: "Platform") -> None:
    parts = json.loads(users_server.lambent("status", "--format", "json").stdout)["parts"]
    assert (
        Path(f"/proc/{parts['agent']['pid']}").stat().st_uid == users_server.server.data.stat().st_uid != os.geteuid()
    )
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
