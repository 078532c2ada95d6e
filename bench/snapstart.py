"""How long a start takes of a version with SnapStart whose init phase takes 2 seconds.

One request at a time on one connection, each to an environment of its own, because none is kept: the time that a
client sees, with the warm answer's own time in it.
"""

import io
import json
import statistics
import time
import zipfile
from typing import Any

from density import TRUST

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
    iam, lambda_ = client(server.access, "iam"), client(server.access, "lambda")
    role = iam.create_role(RoleName="snapstart", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
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
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", SOURCE)
    lambda_.create_function(
        FunctionName="snap",
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": package.getvalue()},
        SnapStart={"ApplyOn": "PublishedVersions"},
    )
    lambda_.get_waiter("function_active_v2").wait(FunctionName="snap", WaiterConfig={"Delay": 1})
    lambda_.publish_version(FunctionName="snap")
    lambda_.get_waiter("published_version_active").wait(
        FunctionName="snap", Qualifier="1", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


def _first(lambda_: Any) -> float:
    time.sleep(PAUSE_S)
    began_s = time.perf_counter()
    answer = json.loads(lambda_.invoke(FunctionName="snap", Qualifier="1")["Payload"].read())
    took_ms = (time.perf_counter() - began_s) * 1000
    if answer["calls"] != 1:
        raise RuntimeError("an environment was used twice: these are not all starts")
    return took_ms
