"""The runtime of Java without a channel, on the newest Java here: forms of handlers, JSON to beans, errors.

Sources: Lambda Developer Guide, "Define Lambda function handler in Java"; what Jackson makes of beans as AWS's open
runtime libraries set it up (aws-lambda-java-serialization was compared); the event classes of aws-lambda-java-events,
which Maven brings for the acceptance tests (`make test`).
"""

import asyncio
import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.ids import SystemIds
from lambent.sandbox.languages.java import JAR, Java
from lambent.sandbox.runtime_folder import make_guest_folder

HERE = Path(__file__).parent
PROGRAM = HERE.parents[1] / "acceptance/java"
LIBRARIES = PROGRAM / "target/lib"
QUICK = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-proc:none", "-nowarn")


class Harness:
    """A running virtual machine."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def raw(self, handler: str, event: bytes) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"handler": handler, "event": base64.b64encode(event).decode()}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def __call__(self, handler: str, event: Any) -> Any:
        told = self.raw(handler, json.dumps(event, ensure_ascii=False).encode())
        assert "answer" in told, told
        return json.loads(told["answer"])

    def fault(self, handler: str, event: Any = None) -> dict[str, Any]:
        told = self.raw(handler, json.dumps(event).encode())
        return {**told, "fault": json.loads(told["fault"])}


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Our runtime as the agent compiles it, and the functions of the acceptance tests."""
    found = Java().find({})
    if not found or list(found.values())[-1].version < (17,):
        pytest.skip("a JDK 17 or newer is not here: apt-get install openjdk-17-jdk-headless")
    java, made = list(found.values())[-1], tmp_path_factory.mktemp("java")
    folder = make_guest_folder(made, "java", SystemIds())
    asyncio.run(Java().prepare(folder, java))
    sources = [PROGRAM / f"src/main/java/demo/{name}.java" for name in ("Forms", "Generic", "Broken")]
    if LIBRARIES.is_dir():
        sources.append(PROGRAM / "src/main/java/demo/Events.java")
    path = f"{folder / JAR}:{LIBRARIES}/*"
    harness = HERE / "java/lambent/runtime/Harness.java"
    subprocess.run(
        [java.compiler, *QUICK, "--release", "17", "-cp", path, "-d", made / "out", *sources, harness], check=True
    )
    (made / "harness").mkdir()
    shutil.move(made / "out/lambent", made / "harness/lambent")
    machine = [java.executable, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m", "-cp"]
    jars = [str(each) for each in sorted(LIBRARIES.glob("*.jar"))]
    running = Harness(
        [*machine, f"{folder / JAR}:{made / 'harness'}", "lambent.runtime.Harness", f"{made / 'out'}/", *jars]
    )
    yield running
    assert running.process.stdin is not None
    running.process.stdin.close()
    assert running.process.wait(10) == 0
    assert running.process.stdout is not None
    running.process.stdout.close()


PERSON = {"names": ["Ada"], "age": 36, "mood": "LOUD", "friend": {"age": "5", "mood": "UNHEARD", "unknown": 1}}
ORDER = {
    "note": "soon",
    "at": "2026-11-23T12:00:00.5Z",
    "day": "2026-11-23",
    "made": "2026-11-23T12:00:00+01:00",
    "parts": {"a": [1, 2]},
    "marks": ["x"],
    "raw": "AQI=",
    "counts": [1, 9007199254740993],
    "any": {"deep": [None]},
}
TOLD_ORDER = {**ORDER, "at": 1795435200.5, "day": [2026, 11, 23], "made": 1795431600000}


@pytest.mark.parametrize(
    ("handler", "event", "expected"),
    [
        ("demo.Forms::greet", "Ada", "Hello, Ada"),
        ("demo.Forms::greet", 7, "Hello, 7"),
        ("demo.Forms::twice", 21, 42),
        ("demo.Forms::twice", "21", 42),
        ("demo.Forms::twice", None, 0),
        ("demo.Forms::twice", [], 0),
        ("demo.Forms::twice", [None], 0),
        ("demo.Forms::twice", "null", 0),
        ("demo.Forms::flag", 99999999999, True),
        ("demo.Forms::numbers", [{"a": "1", "b": None}], {"a": 1}),
        ("demo.Forms::numbers", " ", None),
        ("demo.Forms::same", {"a": None, "b": [None, {"c": None}]}, {"b": [None, {}]}),
        ("demo.Forms::line", ["x", None], ["java.util.LinkedList", "[x, null]"]),
        ("demo.Forms::moments", "1.5", [1.5, [2026, 11], 2026]),
        ("demo.Forms::mirrored", {"x": 1, "y": 2.5, "label": "p"}, {"x": -1, "y": -2.5, "label": "p"}),
        ("demo.Forms::mirrored", {}, {"x": 0, "y": -0.0}),
        ("demo.Forms::elder", [PERSON], [{"names": ["Ada"], "age": 37, "mood": "LOUD", "friend": {"age": 5}}]),
        ("demo.Forms::elder", PERSON, [{"names": ["Ada"], "age": 37, "mood": "LOUD", "friend": {"age": 5}}]),
        ("demo.Forms::nothing", {"a": 1}, None),
        ("demo.Forms::shout", {"a": "ü"}, {"A": "Ü"}),
        ("demo.Forms::overloaded", "", "with"),
        ("demo.Generic", ORDER, {"content": TOLD_ORDER, "full": True, "URL": "https://example.com"}),
        ("demo.Generic", {}, {"content": {"note": None}, "full": True, "URL": "https://example.com"}),
    ],
)
def test_an_event_is_what_the_handler_wants(harness: Harness, handler: str, event: Any, expected: Any) -> None:
    assert harness(handler, event) == expected


QUEUE = {
    "Records": [
        {"messageId": "0", "body": "good", "eventSourceARN": "arn:q", "messageAttributes": {"a": {"stringValue": "1"}}},
        {"messageId": "1", "body": "bad one", "eventSourceARN": "arn:q", "messageAttributes": {}},
    ]
}
OBJECT = {"key": "a+b%21", "size": 3000000000, "eTag": "e"}
BUCKET = {
    "Records": [
        {
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-23T12:00:00.000Z",
            "s3": {"bucket": {"name": "b"}, "object": OBJECT},
        }
    ]
}
NOTICE = {
    "Message": "m",
    "TopicArn": "arn:t",
    "Timestamp": "2026-11-23T12:00:00.000Z",
    "MessageAttributes": {"a": {"Type": "String", "Value": "v"}},
}
TOPIC = {"Records": [{"EventSource": "aws:sns", "Sns": NOTICE}]}
IMAGE = {"id": {"S": "x"}, "n": {"N": "7"}, "l": {"L": [{"BOOL": True}]}, "ss": {"SS": ["p", "q"]}}
CHANGE = {"ApproximateCreationDateTime": 1795435200.0, "NewImage": IMAGE}
TABLE = {"Records": [{"eventName": "INSERT", "eventSourceARN": "arn:s", "dynamodb": CHANGE}]}
RULE = {"detail-type": "d", "time": "2026-11-23T12:00:00Z", "detail": {"k": 1}}
KEPT = {
    "Records": [
        {
            "responseElements": {"x-amz-id-2": "i", "x-amz-request-id": "r"},
            "s3": {"object": {"key": "k", "size": 1024, "eTag": "e", "urlDecodedKey": "k"}},
        }
    ]
}
BOT = {"userId": "u", "bot": {"name": "b", "alias": "a"}, "currentIntent": {"name": "i", "slots": {"s": "v"}}}
TOPICS = {"eventSourceArn": "arn:k", "records": {"t-0": [{"topic": "t", "partition": 1, "offset": 15, "timestamp": 7}]}}
CALL = {"Name": "ContactFlowEvent", "Details": {"ContactData": {"Attributes": {"a": "b"}, "InstanceARN": "arn:i"}}}
COMMITS = {
    "Records": [{"codecommit": {"references": [{"ref": "r"}]}, "userIdentityARN": "arn:u", "eventSourceARN": "a"}]
}
RESOURCE = {"RequestType": "Create", "ResponseURL": "https://example.com", "ResourceProperties": {"k": "v"}}
WEB = {"body": '{"name": "Ada"}', "requestContext": {"http": {"method": "POST"}}, "isBase64Encoded": False}
BODY = '{"method":"POST","name":"Ada"}'


@pytest.mark.parametrize(
    ("method", "event", "expected"),
    [
        ("queue", QUEUE, {"batchItemFailures": [{"itemIdentifier": "1"}]}),
        ("bucket", BUCKET, ["ObjectCreated:Put", 2026, "b", "a b!", 3000000000, "e"]),
        ("topic", TOPIC, ["m", "arn:t", 2026, "v"]),
        ("unchanged", TOPIC, TOPIC),
        ("sameBucket", KEPT, KEPT),
        ("sameBot", BOT, BOT),
        ("sameTopics", TOPICS, TOPICS),
        ("sameCall", CALL, CALL),
        ("sameCommits", COMMITS, COMMITS),
        ("sameLines", {"awslogs": {"data": "H4s="}}, {"awslogs": {"data": "H4s="}}),
        ("sameResource", RESOURCE, RESOURCE),
        ("table", TABLE, ["INSERT", "arn:s", "x", "7", True, ["p", "q"], 1795435200000]),
        ("rule", RULE, ["d", 2026, {"k": 1}]),
    ],
)
def test_the_classes_of_awss_events_are_filled(harness: Harness, method: str, event: Any, expected: Any) -> None:
    if not LIBRARIES.is_dir():
        pytest.skip("Java packages are not here: install Maven and a JDK, then `make test`")
    assert harness(f"demo.Events::{method}", event) == expected


@pytest.mark.parametrize(
    ("handler", "error_type", "message", "ends"),
    [
        ("", None, "Invalid handler: `'", False),
        ("demo.Forms::", None, "Invalid handler: `demo.Forms::'", False),
        ("demo.Nowhere::handle", "java.lang.ClassNotFoundException", "Class not found: demo.Nowhere", False),
        ("demo.Forms::none", None, "Class demo.Forms has no public method named none", False),
        ("demo.Forms", None, "Class does not implement an appropriate handler interface: demo.Forms", False),
        (
            "demo.Broken$Private::handle",
            "java.lang.Exception",
            "Class demo.Broken$Private has no public zero-argument constructor",
            False,
        ),
        (
            "demo.Broken$Static::handle",
            "java.lang.ExceptionInInitializerError",
            "Error loading class demo.Broken$Static",
            True,
        ),
        ("demo.Broken$Constructed", "java.lang.IllegalStateException", "no database", True),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_told(
    harness: Harness, handler: str, error_type: str | None, message: str, ends: bool
) -> None:
    told = harness.fault(handler)
    assert told["fault"] == {"errorMessage": message, **({"errorType": error_type} if error_type else {})}
    assert told["logged"].startswith(message)
    assert told["ends"] is ends


def test_what_the_function_throws_has_its_frames_and_none_of_ours(harness: Harness) -> None:
    told = harness.fault("demo.Forms::act", {"do": "throw"})
    assert told["fault"]["errorType"] == "java.io.UncheckedIOException"
    assert told["fault"]["stackTrace"][0].startswith("demo.Forms.act(Forms.java:")
    assert len(told["fault"]["stackTrace"]) == 1
    assert "Caused by: java.io.IOException: inner" in told["logged"]


@pytest.mark.parametrize(
    "event", [b"", b"{", b"[1,]", b'{"a" 1}', b"01", b'"\n"', b"nul", b"1 2", b"[" * 2000, b"\xff"]
)
def test_what_is_no_json_is_an_error_of_the_invocation(harness: Harness, event: bytes) -> None:
    told = json.loads(harness.raw("demo.Forms::act", event)["fault"])
    assert told["errorType"] == "java.lang.RuntimeException"
    assert told["errorMessage"] == "An error occurred during JSON parsing"


def test_an_answer_that_holds_itself_is_refused(harness: Harness) -> None:
    told = harness.fault("demo.Forms::act", {"do": "itself"})
    assert told["fault"]["errorMessage"] == "An error occurred during JSON serialization of response"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def as_written(value: Any) -> Any:
    """Members that are null are left out, as Jackson in AWS's configuration leaves them out."""
    if isinstance(value, dict):
        return {name: as_written(each) for name, each in value.items() if each is not None}
    return [as_written(each) for each in value] if isinstance(value, list) else value


@given(VALUES)
@settings(max_examples=50)
def test_any_value_comes_back_as_it_was(harness: Harness, value: Any) -> None:
    assert harness("demo.Forms::same", value) == as_written(value)


@given(st.binary(max_size=40) | st.text('[]{}:,"\\u0123456789eE+-. truefalsn', max_size=30).map(str.encode))
@settings(max_examples=50)
def test_any_bytes_are_read_as_python_reads_them_or_refused(harness: Harness, event: bytes) -> None:
    told = harness.raw("demo.Forms::same", event)
    try:
        expected = json.loads(event.decode())
    except (ValueError, RecursionError):
        expected = ...
    if expected is not ...:
        assert json.loads(told["answer"]) == as_written(expected)
    elif event.isascii():
        assert "fault" in told
