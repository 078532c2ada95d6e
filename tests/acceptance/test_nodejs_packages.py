"""JavaScript with packages from npm: a web program behind a function URL, and the AWS SDK that the operator provides.

The packages are installed by npm itself (`make test`), from lock files.
"""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.conftest import zipped
from tests.acceptance.test_nodejs import create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.conftest import Platform

HERE = Path(__file__).parent
SDK = HERE / "javascript" / "node_modules"
PROGRAM = HERE / "javascript_program"
SENDS = """
import { SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs';
import { name } from 'layered';
const client = new SQSClient({});
export const handler = async (event) => {
  const { MessageId } = await client.send(new SendMessageCommand({ QueueUrl: event.queue, MessageBody: name }));
  return MessageId;
};
"""
QUEUES = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}


def program() -> dict[str, str | bytes]:
    """The package as `zip -r` of the folder makes it."""
    if not (PROGRAM / "node_modules").exists():
        pytest.skip("Node.js 20 or newer with npm is not here: install it, then `make test`")
    files = [each for each in PROGRAM.rglob("*") if each.is_file() and each.suffix not in (".md", ".map", ".ts")]
    return {str(each.relative_to(PROGRAM)): each.read_bytes() for each in files}


def request(host: str, endpoint: str, path: str, body: Any = None) -> tuple[int, Any, Any]:
    """Status, headers and body of one request to a function URL."""
    data = None if body is None else json.dumps(body).encode()
    made = urllib.request.Request(endpoint + path, data, {"Host": host, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(made) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_a_web_program_answers_behind_a_function_url(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    name = create(platform, program(), "app.handler", MemorySize=512)
    url = lambda_.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    allowed = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    lambda_.add_permission(FunctionName=name, StatementId="public", **allowed)
    host = url.split("/")[2]
    status, headers, body = request(host, platform.endpoint, "/hello/world?a=1&a=2")
    assert (status, json.loads(body)) == (200, {"hello": "world", "query": {"a": ["1", "2"]}})
    assert headers["X-Powered-By"] == "Express"
    booking = {"guest": "Ada", "nights": 3, "from": "2026-12-30"}
    status, headers, body = request(host, platform.endpoint, "/bookings", booking)
    assert (status, json.loads(body)) == (201, {"until": "2027-01-02"})
    assert headers["Set-Cookie"].startswith("booked=yes")
    status, _, body = request(host, platform.endpoint, "/bookings", {"guest": "A", "nights": 0})
    assert (status, json.loads(body)) == (422, {"problems": ["guest", "nights", "from"]})
    assert request(host, platform.endpoint, "/nowhere")[0] == 404


def test_the_sdk_and_layers_are_found_by_import(own_server: "Callable[..., Platform]") -> None:
    if not SDK.exists():
        pytest.skip("Node.js 20 or newer with npm is not here: install it, then `make test`")
    platform = own_server("--nodejs-modules", str(SDK))
    queue = platform.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    platform.role()
    platform.client("iam").put_role_policy(
        RoleName="acceptance", PolicyName="queues", PolicyDocument=json.dumps(QUEUES)
    )
    layer: dict[str, str | bytes] = {"nodejs/node_modules/layered/index.js": "exports.name = 'from a layer'"}
    version = platform.client("lambda").publish_layer_version(LayerName="l", Content={"ZipFile": zipped(layer)})
    name = create(platform, {"app.mjs": SENDS}, "app.handler", Layers=[version["LayerVersionArn"]], MemorySize=256)
    sent, log, failed = platform.invoke(name, {"queue": queue})
    assert not failed, log
    (message,) = platform.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent, "from a layer")
