"""Functions in Java on a real server: what a handler knows, errors, log lines, libraries, layers.

The packages are built by Maven (`make test`), from tests/acceptance/java. Sources: Lambda Developer Guide, "Building
Lambda functions with Java" (handlers, context, logging, errors, deployment packages); texts of AWS's own runtime
interface client for Java; behaviours sections 8, 12 and 15. Handler forms and events: tests/unit/runtimes/test_java.py.
"""

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.conftest import zipped
from tests.acceptance.test_extensions import WATCHER, layer_of

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

TARGET = Path(__file__).parent / "java/target"
MEMORY_MB = 256


def package(*folders: str) -> dict[str, str | bytes]:
    """What the program is, as Gradle's buildZip lays it out: classes, and libraries in lib."""
    if not (TARGET / "lib").is_dir():
        pytest.skip("Java packages are not built: install Maven and a JDK, then `make test`")
    found: dict[str, str | bytes] = {}
    for folder in folders:
        root = TARGET / folder
        inside = "" if folder == "classes" else f"{folder}/"
        found |= {f"{inside}{each.relative_to(root)}": each.read_bytes() for each in root.rglob("*") if each.is_file()}
    return found


def create(platform: "Platform", handler: str, files: dict[str, str | bytes], **parameters: Any) -> str:
    runtimes = [each for each in ("java17", "java21", "java25") if each in platform.runtimes()]
    if not runtimes:
        pytest.skip("Java 17 or newer is not here: apt-get install openjdk-17-jdk-headless")
    return platform.create_from(files, runtimes[0], handler, **{"MemorySize": MEMORY_MB, "Timeout": 60} | parameters)


@pytest.fixture(scope="module")
def actor(platform: "Platform") -> str:
    """One function for all that a method with a Context can do."""
    return create(platform, "demo.Forms::act", package("classes") | {"lib/note.txt": "one\ntwo\n"})


@pytest.fixture(scope="module")
def forms(platform: "Platform") -> str:
    """One function whose handler is changed: classes and their libraries."""
    return create(platform, "demo.Forms::greet", package("classes", "lib"))


def handled(platform: "Platform", name: str, handler: str, event: Any) -> tuple[Any, str, bool]:
    platform.client("lambda").update_function_configuration(FunctionName=name, Handler=handler)
    platform.client("lambda").get_waiter("function_updated_v2").wait(FunctionName=name)
    return platform.invoke(name, event)


HTTP = {"body": '{"name": "Ada"}', "requestContext": {"http": {"method": "POST"}}, "isBase64Encoded": False}


def test_a_library_of_the_functions_own_reads_and_writes(platform: "Platform", forms: str) -> None:
    answer, log, failed = handled(platform, forms, "demo.Events::web", HTTP)
    assert not failed, log
    assert answer["statusCode"] == 201
    assert answer["headers"] == {"X-From": "java"}
    assert json.loads(answer["body"]) == {"method": "POST", "name": "Ada"}


def test_log4j2_writes_whole_events_with_the_request_id(platform: "Platform", forms: str) -> None:
    answer, log, failed = handled(platform, forms, "demo.Logged", {"a": 1})
    assert (answer, failed) == ({"a": 1}, False), log
    request_id = re.findall(r"START RequestId: (\S+)", log)[0]
    assert f"{request_id} INFO  Logged - received 8 bytes\n" in log
    assert "not shown" not in log
    assert re.search(r"ERROR Logged - failed\s+java.lang.IllegalStateException: for the log\s+at demo.Logged", log)


def test_a_handler_knows_its_invocation(platform: "Platform", actor: str) -> None:
    given = {"client": {"app_title": "tests"}, "custom": {"k": "v"}}
    context = base64.b64encode(json.dumps(given).encode()).decode()
    told, log, failed = platform.invoke(actor, {"do": "tell"}, ClientContext=context)
    assert not failed, log
    assert (told["name"], told["version"], told["memory"]) == (actor, "$LATEST", MEMORY_MB)
    assert told["arn"].endswith(f":function:{actor}")
    assert told["id"] in log
    assert told["group"] == f"/aws/lambda/{actor}"
    assert 0 < told["left"] <= 60_000
    assert (told["custom"], told["app"]) == ({"k": "v"}, "tests")
    assert told["trace"].startswith("Root=1-")
    assert told["folder"] == "/var/task"
    assert told["max_mb"] < MEMORY_MB


def test_files_are_found_from_the_functions_folder(platform: "Platform", actor: str) -> None:
    assert platform.invoke(actor, {"do": "read"})[0] == 8 + 2
    folder, name, descriptors = platform.invoke(actor, {"do": "child"})[0]
    assert (folder, name) == ("/var/task", actor)
    assert int(descriptors) <= 5  # three, that of ls, and none of ours


def test_texts_are_utf_8_and_american_whatever_locales_the_host_has(platform: "Platform", actor: str) -> None:
    """As with AWS's LANG=en_US.UTF-8, a locale that Debian's images lack: Java 17 would fall back to ASCII."""
    assert platform.invoke(actor, {"do": "texts"})[0] == [5, "é", "en_US"]


def test_variables_are_the_functions_alone(platform: "Platform", actor: str) -> None:
    found, _, _ = platform.invoke(actor, {"do": "environment"})
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == actor
    assert found["_HANDLER"] == "demo.Forms::act"
    assert found["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_java")
    assert found["LAMBDA_TASK_ROOT"] == "/var/task"
    assert found["TZ"] == ":UTC"


def test_what_a_function_prints_is_in_the_log(platform: "Platform", actor: str) -> None:
    _, log, failed = platform.invoke(actor, {"do": "log"})
    assert not failed
    for line in ("two\nlines\n", "[WARN] careful\n", "[DEBUG] detail\n", "bytes\n", "printed\n", "to stderr\n"):
        assert line in log
    assert "without an end" in log


def test_levels_and_json_are_as_configured(platform: "Platform") -> None:
    logging = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"}
    name = create(platform, "demo.Forms::act", package("classes"), LoggingConfig=logging)
    _, log, _ = platform.invoke(name, {"do": "log"})
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    said = {line["message"]: line for line in lines if "message" in line}
    assert said["careful"]["level"] == "WARN"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", said["careful"]["timestamp"])
    assert re.fullmatch(r"[0-9a-f-]{36}", said["careful"]["AWSRequestId"])
    assert "two\nlines" in said
    assert "detail" not in said


def test_an_error_is_told_as_on_aws(platform: "Platform", actor: str) -> None:
    answer, log, failed = platform.invoke(actor, {"do": "throw"})
    assert failed
    assert (answer["errorType"], answer["errorMessage"]) == ("java.io.UncheckedIOException", "outer")
    assert re.match(r"demo\.Forms\.act\(Forms\.java:\d+\)", answer["stackTrace"][0])
    assert not [frame for frame in answer["stackTrace"] if "lambent" in frame or "reflect" in frame]
    assert "outer: java.io.UncheckedIOException\njava.io.UncheckedIOException: outer\n" in log
    assert "Caused by: java.io.IOException: inner" in log
    assert "lambent" not in log


@pytest.mark.parametrize(
    ("event", "error_type", "message"),
    [
        ({"do": "itself"}, "java.lang.RuntimeException", "An error occurred during JSON serialization of response"),
        ([1], "java.lang.RuntimeException", "An error occurred during JSON parsing"),
        ({"do": "fill"}, "java.lang.OutOfMemoryError", "Java heap space"),
        ({"do": "recurse"}, "java.lang.StackOverflowError", "java.lang.StackOverflowError"),
    ],
)
def test_what_goes_wrong_has_a_type(
    platform: "Platform", actor: str, event: Any, error_type: str, message: str
) -> None:
    answer, log, failed = platform.invoke(actor, event)
    assert failed
    assert (answer["errorType"], answer["errorMessage"]) == (error_type, message), log
    assert platform.invoke(actor, {"do": "collect"})[0] == "lives"  # the same environment, or a new one


def test_a_process_that_ends_itself_is_told(platform: "Platform", actor: str) -> None:
    answer, log, failed = platform.invoke(actor, {"do": "exit"})
    assert failed
    assert answer["errorMessage"].endswith("Runtime exited with error: exit status 3"), log


def test_time_is_limited(platform: "Platform") -> None:
    name = create(platform, "demo.Forms::act", package("classes"), Timeout=1)
    answer, _, failed = platform.invoke(name, {"do": "sleep"})
    assert failed
    assert "Task timed out after 1.00 seconds" in answer["errorMessage"]


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("demo.Nowhere::handle", "java.lang.ClassNotFoundException", "Class not found: demo.Nowhere"),
        ("demo.Broken$Constructed", "java.lang.IllegalStateException", "no database"),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_told(
    platform: "Platform", forms: str, handler: str, error_type: str, message: str
) -> None:
    answer, log, failed = handled(platform, forms, handler, {})
    assert failed
    assert answer == {"errorMessage": message, "errorType": error_type}
    assert message in log
    assert ("INIT_REPORT" in log) == ("Constructed" in handler)


def test_libraries_are_found_in_layers_and_in_a_jar(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    libraries = {f"java/{path}": data for path, data in package("lib").items()}
    version = lambda_.publish_layer_version(LayerName="libraries", Content={"ZipFile": zipped(libraries)})
    jar = (TARGET / "functions-1.jar").read_bytes()
    name = create(
        platform, "demo.Events::web", {}, Code={"ZipFile": jar}, Layers=[version["LayerVersionArn"]], MemorySize=512
    )
    answer, log, failed = platform.invoke(name, HTTP)
    assert not failed, log
    assert json.loads(answer["body"])["name"] == "Ada"


def test_what_is_read_at_the_start_and_an_extension_are_honoured(platform: "Platform") -> None:
    layer = layer_of(platform, {"watcher": WATCHER})
    variables = {"JAVA_TOOL_OPTIONS": "-Dearly=yes -Xmx50m"}
    name = create(
        *(platform, "demo.Forms::act", package("classes")), Layers=[layer], Environment={"Variables": variables}
    )
    told, log, failed = platform.invoke(name, {"do": "tell"})
    assert not failed, log
    assert (told["stack"], told["folder"]) == ("yes", "/var/task")
    assert told["max_mb"] <= 50
    assert "Picked up JAVA_TOOL_OPTIONS: -Dearly=yes" in log


def test_snapstart_is_refused_in_words(platform: "Platform") -> None:
    with pytest.raises(Exception, match=r"SnapStart of java\d+ needs .*CRaC"):
        create(platform, "demo.Forms::act", package("classes"), SnapStart={"ApplyOn": "PublishedVersions"})


def test_java_8_is_not_served(platform: "Platform") -> None:
    with pytest.raises(Exception, match=r"java8\.al2 is not served by this version"):
        platform.create("", Runtime="java8.al2", Handler="demo.Forms::act")
