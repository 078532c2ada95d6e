"""How long a start takes of a version with SnapStart whose init phase takes 2 seconds.

One request at a time on one connection, each to an environment of its own, because none is kept: the time that a
client sees, with the warm answer's own time in it.
"""

import json
import statistics
import time
from typing import Any

import functions
from lambent.cli.access import client
from lambent.cli.server import Server

FLAGS = ("--keep-alive-s", "0")
INIT_S, STARTS, PAUSE_S = 2.0, 30, 0.3  # in the pause the environment before goes
SOURCE = f"""
import time, uuid
time.sleep({INIT_S})
INIT = uuid.uuid4().hex
CALLS = []
def handler(event, context):
    CALLS.append(1)
    return {{"init": INIT, "calls": len(CALLS)}}
"""


def starts(server: Server) -> dict[str, Any]:
    """p50 and the worst of STARTS first invocations, in ms; and how long publishing took."""
    lambda_, role = client(server.access, "lambda"), functions.role_of(client(server.access, "iam"))
    began_s = time.perf_counter()
    _publish(lambda_, role)
    published_s = time.perf_counter() - began_s
    took_ms = [_first(lambda_) for _ in range(STARTS)]
    return {
        "n": STARTS,
        "init_s": INIT_S,
        "published_s": round(published_s, 2),
        "start_ms_p50": round(statistics.median(took_ms), 2),
        "start_ms_max": round(max(took_ms), 2),
    }


def _publish(lambda_: Any, role: str) -> None:
    settings = {"Runtime": "python3.12", "SnapStart": {"ApplyOn": "PublishedVersions"}}
    functions.make(lambda_, role, "snap", SOURCE, **settings)
    lambda_.publish_version(FunctionName="snap")
    waiter = lambda_.get_waiter("published_version_active")
    waiter.wait(FunctionName="snap", Qualifier="1", WaiterConfig=functions.PATIENCE)


def _first(lambda_: Any) -> float:
    time.sleep(PAUSE_S)
    began_s = time.perf_counter()
    answer = json.loads(lambda_.invoke(FunctionName="snap", Qualifier="1")["Payload"].read())
    took_ms = (time.perf_counter() - began_s) * 1000
    if answer["calls"] != 1:
        raise RuntimeError("an environment was used twice: these are not all starts")
    return took_ms
