"""Logs in JSON, from the function's logger to CloudWatch Logs. Source: Lambda Developer Guide, "Advanced logging"."""

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.test_extensions import layer_of

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

LOGS = """
import logging
logger = logging.getLogger()

def handler(event, context):
    logger.debug("quiet")
    logger.info("heard %s", 1, extra={"order": 7})
    print("plain")
    if event:
        raise ValueError("as asked")
"""


def tail(lambda_: Any, name: str, payload: bytes = b"0") -> list[Any]:
    answer = lambda_.invoke(FunctionName=name, LogType="Tail", Payload=payload)
    texts = base64.b64decode(answer["LogResult"]).decode().splitlines()
    return [json.loads(text) if text.startswith("{") else text for text in texts]


def test_a_function_that_asks_for_json_gets_it(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    name = platform.create(LOGS, LoggingConfig={"LogFormat": "JSON"})
    shown = lambda_.get_function_configuration(FunctionName=name)["LoggingConfig"]
    assert shown == {
        "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": f"/aws/lambda/{name}",
    }  # fmt: skip
    begin, start, heard, plain, report = tail(lambda_, name)
    assert [each["type"] for each in (begin, start, report)] == [
        "platform.initStart", "platform.start", "platform.report",
    ]  # fmt: skip
    assert (heard["level"], heard["message"], heard["order"]) == ("INFO", "heard 1", 7)
    assert heard["requestId"] == start["record"]["requestId"] == report["record"]["requestId"]
    assert plain == "plain"
    error = next(each for each in tail(lambda_, name, b"1") if "errorType" in each and "level" in each)
    assert (error["level"], error["errorType"], error["errorMessage"]) == ("ERROR", "ValueError", "as asked")


def test_levels_filter_and_belong_to_json_only(platform: "Platform", eventually: Any) -> None:
    lambda_ = platform.client("lambda")
    group = "/custom/logs"
    wanted = {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "WARN", "LogGroup": group}
    name = platform.create(LOGS, LoggingConfig=wanted)
    assert [each if each == "plain" else each["message"] for each in tail(lambda_, name)] == [
        "quiet", "heard 1", "plain",
    ]  # fmt: skip
    quiet = '{ $.message = "quiet" }'
    eventually(lambda: platform.logged(group, quiet))
    found = platform.client("logs").filter_log_events(logGroupName=group, filterPattern=quiet)
    stream = found["events"][0]["logStreamName"]
    assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d/{name}\[\$LATEST\][0-9a-f]{{32}}", stream)
    lambda_.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "Text"})
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert lambda_.get_function_configuration(FunctionName=name)["LoggingConfig"] == {
        "LogFormat": "Text",
        "LogGroup": group,
    }
    assert any("REPORT RequestId" in str(line) for line in tail(lambda_, name))
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match="only allowed with"):
        lambda_.update_function_configuration(FunctionName=name, LoggingConfig={"SystemLogLevel": "WARN"})


PRINTS = """
import json

def handler(event, context):
    for level in ("debug", "INFO", "ERROR", None):
        print(json.dumps({"level": level, "said": str(level)} if level else {"said": "None"}))
    print("text")
"""


def test_the_level_of_what_is_printed_in_json_counts(platform: "Platform") -> None:
    """Source: Lambda Developer Guide, "Log-level filtering", for other logging methods than the runtime's own."""
    lambda_ = platform.client("lambda")
    wanted = {"LogFormat": "JSON", "ApplicationLogLevel": "ERROR", "SystemLogLevel": "WARN"}
    name = platform.create(PRINTS, LoggingConfig=wanted)
    assert [each if isinstance(each, str) else each["said"] for each in tail(lambda_, name)] == ["ERROR", "text"]
    lambda_.update_function_configuration(FunctionName=name, LoggingConfig={"ApplicationLogLevel": "INFO"})
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    said = [each if isinstance(each, str) else each["said"] for each in tail(lambda_, name)]
    assert said == ["INFO", "ERROR", "None", "text"]


BESIDE = """
me, told = register("INVOKE")
while True:
    ask("GET", "event/next", Identifier=me)
    time.sleep(0.5)
    note("worked beside")
"""
PARTS = ["responseLatency", "responseDuration", "runtimeOverhead"]
ANSWERS = """
import time

def handler(event, context):
    if event == "late":
        time.sleep(60)
    if event == "wrong":
        raise ValueError("as asked")
    time.sleep(0.05)
    return "x" * 100
"""


def test_runtime_done_tells_the_parts_of_the_runtimes_work(platform: "Platform") -> None:
    """Source: Telemetry API reference, platform.runtimeDone; recordings of the same in logs."""
    levels = {"LogFormat": "JSON", "SystemLogLevel": "DEBUG"}
    name = platform.create(ANSWERS, LoggingConfig=levels)
    for event, length in (("right", 102), ("wrong", None)):
        answer, log, _ = platform.invoke(name, event)
        told = [json.loads(line) for line in log.splitlines() if '"platform.' in line]
        (done,) = [each["record"] for each in told if each["type"] == "platform.runtimeDone"]
        assert done["status"] == ("success" if event == "right" else "error")
        assert [each["name"] for each in done["spans"]] == PARTS
        assert done["metrics"]["producedBytes"] == (length or len(json.dumps(answer).encode()))
        total_ms = sum(each["durationMs"] for each in done["spans"])
        assert total_ms == pytest.approx(done["metrics"]["durationMs"], abs=0.01)
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", each["start"]) for each in done["spans"])


def test_what_is_cut_off_has_no_parts(platform: "Platform") -> None:
    name = platform.create(ANSWERS, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN"}, Timeout=1)
    (done, *_) = [json.loads(each) for each in platform.invoke(name, "late")[1].splitlines() if "runtimeDone" in each]
    assert (done["record"]["status"], done["record"]["metrics"]["producedBytes"]) == ("timeout", 0)
    assert "spans" not in done["record"]


def test_beside_an_extension_the_runtimes_work_ends_before_the_invocation(
    platform: "Platform", eventually: Any
) -> None:
    layer = layer_of(platform, {"beside": BESIDE})
    levels = {"LogFormat": "JSON", "SystemLogLevel": "DEBUG"}
    name = platform.create(ANSWERS, LoggingConfig=levels, Layers=[layer])
    platform.invoke(name, "right")
    (line,) = eventually(lambda: platform.logged(name, '"platform.runtimeDone"'))
    (last,) = eventually(lambda: platform.logged(name, '"platform.report"'))
    assert [json.loads(each)["record"]["state"] for each in platform.logged(name, '"platform.extension"')] == ["Ready"]
    done, report = json.loads(line)["record"], json.loads(last)["record"]
    assert [each["name"] for each in done["spans"]] == PARTS
    assert done["spans"][0]["durationMs"] >= 50
    assert done["metrics"]["producedBytes"] == 102
    assert done["metrics"]["durationMs"] < report["metrics"]["durationMs"]


def test_a_platform_line_of_an_extension_has_a_level_too(platform: "Platform", eventually: Any) -> None:
    """Source: Lambda Developer Guide, "Log-level filtering": platform.extension is INFO where all is well."""
    levels = {"LogFormat": "JSON", "SystemLogLevel": "WARN"}
    layers = [layer_of(platform, {"beside": BESIDE})]
    name = platform.create("def handler(event, context):\n    print('here')\n", LoggingConfig=levels, Layers=layers)
    platform.invoke(name)
    eventually(lambda: platform.logged(name, "worked beside"))
    assert not [line for line in platform.logged(name) if "platform." in line]
