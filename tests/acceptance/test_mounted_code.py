"""What stays on disk because an environment has it mounted: `lambent status` tells, and collection goes by it."""

import base64
import json
from typing import Any


def test_an_environment_says_which_code_and_layers_it_has_mounted(platform: Any, zipped: Any) -> None:
    lambda_ = platform.client("lambda")
    layer = lambda_.publish_layer_version(
        LayerName="mounted", Content={"ZipFile": zipped({"python/answer.py": "ANSWER = 42\n"})}
    )
    source = "from answer import ANSWER\n\ndef handler(event, context):\n    return ANSWER\n"
    name = platform.create(source, Layers=[layer["LayerVersionArn"]])
    assert lambda_.invoke(FunctionName=name)["Payload"].read() == b"42"
    code = lambda_.get_function_configuration(FunctionName=name)["CodeSha256"]
    expected = [base64.b64decode(sha256).hex() for sha256 in (code, layer["Content"]["CodeSha256"])]
    status = json.loads(platform.lambent("status", "--format", "json").stdout)
    found = [each["packages"] for each in status["environments"] if each["function"]["name"] == name]
    assert found == [expected]
    assert "packa" not in platform.lambent("status").stdout  # for people: they are long
