"""The Telemetry and Logs APIs: what a subscriber inside the environment is told, over HTTP and TCP.

Source: Lambda Developer Guide, "Accessing real-time telemetry data for extensions using the Telemetry API", "Lambda
Telemetry API Event schema reference", "Using the Lambda Logs API".
"""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.test_custom_runtimes import invoke
from tests.acceptance.test_extensions import layer_of

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

COLLECTOR = """
import http.server, socketserver, threading
def keep(events):
    with open("/tmp/events", "a") as file:
        file.writelines(json.dumps(event) + "\\n" for event in events)
class Http(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        keep(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            keep([json.loads(line)])
open("/tmp/events", "w").close()
ASK = json.loads(os.environ["ASK"])
tcp = ASK["body"]["destination"]["protocol"] == "TCP"
server = (socketserver.TCPServer if tcp else http.server.HTTPServer)(("0.0.0.0", 8080), Tcp if tcp else Http)
threading.Thread(target=server.serve_forever, daemon=True).start()
me, _ = register("INVOKE", "SHUTDOWN")
api.request("PUT", ASK["path"], json.dumps(ASK["body"]), {"Lambda-Extension-Identifier": me})
answer = api.getresponse()
open("/tmp/subscribed", "w").write(json.dumps([answer.status, answer.read().decode()]))
print("collector runs", flush=True)
while True:
    ask("GET", "event/next", Identifier=me)
"""

APP = """
import json
import re
def handler(event, context):
    if event.get("raise"):
        raise ValueError("no")
    if event.get("say"):
        print(event["say"])
    events = [json.loads(line) for line in open("/tmp/events") if line.endswith("\\n")]  # the last is being written
    return {"subscribed": json.load(open("/tmp/subscribed")), "events": events}
"""
HTTP = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/here"}


def ask(path: str, place: dict[str, Any], **more: Any) -> dict[str, dict[str, str]]:
    """The variables of a function whose collector subscribes like this."""
    wanted = {"types": ["platform", "function", "extension"], "buffering": {"timeoutMs": 25}}
    return {"Variables": {"ASK": json.dumps({"path": path, "body": {**wanted, "destination": place, **more}})}}


@pytest.mark.parametrize("destination", [HTTP, {"protocol": "TCP", "port": 8080}], ids=["http", "tcp"])
def test_a_subscriber_is_told_of_phases_and_lines(
    platform: "Platform", eventually: Callable[[Callable[[], Any]], Any], destination: dict[str, Any]
) -> None:
    layer = layer_of(platform, {"collector": COLLECTOR})
    variables = ask("/2022-07-01/telemetry", destination, schemaVersion="2022-12-13")
    name = platform.create(APP, Layers=[layer], Environment=variables, MemorySize=256)
    answer, told = invoke(platform, name, {"say": "hello"})
    assert told["subscribed"][0] == 200, told
    first = answer["ResponseMetadata"]["RequestId"]
    invoke(platform, name, {"raise": True})

    def all_told() -> Any:
        events = invoke(platform, name, {})[1]["events"]
        return sum(event["type"] == "platform.report" for event in events) >= 2 and events

    events = eventually(all_told)
    by_type: dict[str, list[Any]] = {}
    for event in events:
        by_type.setdefault(event["type"], []).append(event["record"])
        assert event["time"].endswith("Z")
    began = by_type["platform.initStart"][0]
    assert (began["functionName"], began["runtimeVersion"]) == (name, "python:3.11.v1")
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", began["instanceId"])
    assert by_type["platform.initRuntimeDone"][0]["status"] == "success"
    assert by_type["platform.initReport"][0]["metrics"]["durationMs"] > 0
    assert by_type["platform.extension"] == [{"name": "collector", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}]
    assert by_type["platform.telemetrySubscription"][0]["name"] == "collector"
    assert by_type["platform.start"][0]["requestId"] == first
    done, report = by_type["platform.runtimeDone"], by_type["platform.report"]
    assert (done[0]["requestId"], done[0]["status"], done[1]["status"]) == (first, "success", "error")
    assert done[0]["metrics"]["producedBytes"] > 0
    assert [span["name"] for span in done[0]["spans"]] == ["responseLatency", "responseDuration", "runtimeOverhead"]
    assert report[0]["metrics"]["memorySizeMB"] == 256
    assert report[0]["metrics"]["initDurationMs"] > 0
    assert report[0]["metrics"]["billedDurationMs"] >= report[0]["metrics"]["durationMs"]
    assert "initDurationMs" not in report[1]["metrics"]
    assert "hello" in by_type["function"]
    assert "collector runs" in by_type["extension"]


def test_the_logs_api_tells_the_same_in_its_own_words(
    platform: "Platform", eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    layer = layer_of(platform, {"collector": COLLECTOR})
    variables = ask("/2020-08-15/logs", HTTP, schemaVersion="2020-08-15")
    name = platform.create(APP, Layers=[layer], Environment=variables)
    first = invoke(platform, name, {"say": "hello"})[0]["ResponseMetadata"]["RequestId"]

    def ended() -> Any:
        events = invoke(platform, name, {})[1]["events"]
        told = {event["type"]: event["record"] for event in reversed(events)}
        return told if "platform.report" in told else None

    told = eventually(ended)
    assert told["platform.start"] == {"requestId": first, "version": "$LATEST"}
    assert told["platform.end"] == {"requestId": first}
    assert set(told["platform.report"]) == {"requestId", "metrics"}
    assert told["function"] == "hello"
    assert "platform.runtimeDone" not in told  # of schema 2021-03-18 on
    assert "platform.initStart" not in told


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/2022-07-01/telemetry", {"destination": {"protocol": "HTTP", "URI": "http://example.com:8080"}}),
        ("/2020-08-15/logs", {"types": ["weather"]}),
    ],
)
def test_a_bad_subscription_is_refused(platform: "Platform", path: str, more: dict[str, Any]) -> None:
    layer = layer_of(platform, {"collector": COLLECTOR})
    body = json.loads(ask(path, HTTP)["Variables"]["ASK"])
    body["body"] |= more
    name = platform.create(APP, Layers=[layer], Environment={"Variables": {"ASK": json.dumps(body)}})
    status, answer = invoke(platform, name, {})[1]["subscribed"]
    assert (status, json.loads(answer)["errorType"]) == (400, "ValidationError")
