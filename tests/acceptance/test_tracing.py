"""TracingConfig: who decides if a request is traced, and how the function and its log hear of it.

Source: Lambda service model (TracingConfig: PassThrough traces what came sampled, Active decides where nobody has);
recorded REPORT lines for the trace.
"""

import json
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SOURCE = "import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']"
CAME = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled="


def told(platform: "Platform", name: str, came: str = "") -> str:
    """The header that the function finds."""
    lambda_ = platform.client("lambda")
    if came:
        lambda_.meta.events.register(
            "before-sign.lambda.Invoke", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", came)
        )
    answer: str = json.loads(lambda_.invoke(FunctionName=name)["Payload"].read())
    return answer


def test_active_tracing_samples_what_nobody_has_decided(
    platform: "Platform", eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    lambda_ = platform.client("lambda")
    name = platform.create(SOURCE, TracingConfig={"Mode": "Active"})
    first = told(platform, name)
    assert re.match(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1;", first)
    assert told(platform, name, CAME + "0").startswith(CAME + "0")
    assert told(platform, name, CAME + "1").startswith(CAME + "1")
    updated = lambda_.update_function_configuration(FunctionName=name, TracingConfig={"Mode": "PassThrough"})
    assert updated["TracingConfig"] == {"Mode": "PassThrough"}
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    began_s = int(time.time())
    new = re.match(r"Root=1-([0-9a-f]{8})-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;", told(platform, name))
    assert new
    assert int(new[1], 16) >= began_s - 1  # X-Ray refuses traces that begin at another time
    assert told(platform, name, CAME + "1").startswith(CAME + "1")

    def traces() -> list[str]:
        reports = platform.logged(name, "REPORT")
        found = [re.search(r"\nXRAY TraceId: (\S+)\tSegmentId: \w{16}\tSampled: true", each) for each in reports]
        return [match[1] for match in found if match] if len(found) == 5 else []

    assert eventually(traces) == [first[5:40], CAME[5:40], CAME[5:40]]
