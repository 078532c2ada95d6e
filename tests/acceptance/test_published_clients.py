"""The runtime interface clients that AWS publishes, unchanged, as custom runtimes.

Source: awslambdaric (PyPI) and aws-lambda-ric (npm) as installed; what they need of a host is in their READMEs.
"""

import importlib.util
import subprocess
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.acceptance.test_custom_runtimes import create, invoke, log_of, package

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

PYTHON = Path("/usr/bin/python3")
BOOTSTRAP = '#!/bin/sh\nexport PYTHONPATH=/var/task\nexec /usr/bin/python3 -m awslambdaric "$_HANDLER"\n'
APP = """
def handler(event, context):
    print("client runs")
    if event.get("raise"):
        raise ValueError("no good")
    if event.get("late"):
        return {"left_ms": context.get_remaining_time_in_millis()}
    return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn,
            "name": context.function_name, "client": context.client_context and context.client_context.client.app_title}
"""


def files_of(*names: str) -> dict[str, str | bytes]:
    """What these distributions have installed."""
    found: dict[str, str | bytes] = {}
    for name in names:
        for entry in distribution(name).files or ():
            path = Path(str(entry.locate()))
            if entry.suffix in (".py", ".so") and ".." not in entry.parts:
                found[str(entry)] = path.read_bytes()
    return found


def same_python() -> bool:
    """Whether the system's Python can load what was built for ours."""
    if not PYTHON.exists() or importlib.util.find_spec("awslambdaric") is None:
        return False
    asked = subprocess.run([PYTHON, "--version"], capture_output=True, text=True, check=True).stdout
    return asked.startswith("Python 3.11.")


@pytest.mark.skipif(not same_python(), reason="needs awslambdaric, and /usr/bin/python3 of version 3.11")
def test_awslambdaric_serves_a_function(platform: "Platform") -> None:
    code = files_of("awslambdaric", "simplejson", "snapshot-restore-py")
    name = create(platform, package({**code, "bootstrap": BOOTSTRAP, "app.py": APP}), Handler="app.handler")
    answer, told = invoke(platform, name, {"a": "ü"}, LogType="Tail")
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert told["event"] == {"a": "ü"}
    assert (told["id"], told["name"]) == (request_id, name)
    assert told["arn"].endswith(f":function:{name}")
    assert "client runs" in log_of(answer)
    answer, told = invoke(platform, name, {"raise": True})
    assert (answer["FunctionError"], told["errorType"], told["errorMessage"]) == ("Unhandled", "ValueError", "no good")
    assert 0 < invoke(platform, name, {"late": True})[1]["left_ms"] <= 60_000
    broken = package({**code, "bootstrap": BOOTSTRAP, "app.py": "import nothing"})
    name = create(platform, broken, Handler="app.handler")
    answer, told = invoke(platform, name, {})
    assert told["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'nothing'" in told["errorMessage"]


NODE_CLIENT = Path(__file__).parent / "javascript_client/node_modules/aws-lambda-ric"
NODE_BOOTSTRAP = (
    '#!/bin/sh\nexport HOME=/tmp\nexec /usr/bin/node /var/task/node_modules/aws-lambda-ric/bin/index.mjs "$_HANDLER"\n'
)
NODE_APP = """
exports.handler = async (event, context) => {
  console.log("client runs");
  if (event.raise) throw new RangeError("no good");
  return { event, id: context.awsRequestId, name: context.functionName };
};
"""


@pytest.mark.skipif(
    not (NODE_CLIENT / "dist/rapid-client.node").exists() or not Path("/usr/bin/node").exists(),
    reason="needs /usr/bin/node, and aws-lambda-ric built by make test (npm, autoconf, automake, libtool, cmake, g++)",
)
def test_aws_lambda_ric_serves_a_function(platform: "Platform") -> None:
    files: dict[str, str | bytes] = {
        f"node_modules/aws-lambda-ric/{path.relative_to(NODE_CLIENT)}": path.read_bytes()
        for path in (*NODE_CLIENT.glob("dist/*"), *NODE_CLIENT.glob("bin/*"), NODE_CLIENT / "package.json")
    }
    code = package({**files, "bootstrap": NODE_BOOTSTRAP, "index.js": NODE_APP})
    name = create(platform, code, Handler="index.handler", MemorySize=512)
    answer, told = invoke(platform, name, {"a": "ü"}, LogType="Tail")
    assert told == {"event": {"a": "ü"}, "id": answer["ResponseMetadata"]["RequestId"], "name": name}
    assert "client runs" in log_of(answer)
    answer, told = invoke(platform, name, {"raise": True})
    assert (answer["FunctionError"], told["errorType"], told["errorMessage"]) == ("Unhandled", "RangeError", "no good")
