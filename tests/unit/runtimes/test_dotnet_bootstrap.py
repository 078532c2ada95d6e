"""The bootstrap of .NET, run by a real .NET 8 over a socket pair.

Sources: Lambda Developer Guide, "Building Lambda functions with C#" (handlers, context, errors, logging); the texts of
AWS's own runtime support library for .NET; the frames are told in `lambent.environment.api`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.csharp import Files, installed, package
from tests.unit.runtimes.guests import RUNTIMES, WAIT_S, Bootstrap, ready

from lambent.environment import frames
from lambent.sandbox.languages.dotnet import DotNet

DOTNET = installed()
needs_dotnet = pytest.mark.skipif(
    DOTNET is None, reason="no .NET runtime and mcs: `make test` fetches, apt-get install"
)
FOLDER = RUNTIMES / "dotnet"
FORMS = """
using System;
using System.Collections.Generic;
using System.IO;
using System.Threading.Tasks;
using Amazon.Lambda.Core;
[assembly: LambdaSerializer(typeof(Serialization.Json))]
namespace Forms {
  public class Note { public string Name { get; set; } public int Count { get; set; } }
  public class Function {
    int calls;
    public Note Poco(Note note, ILambdaContext context) { note.Count += ++calls; return note; }
    public static string Static(Note note) { return note.Name; }
    public async Task<Note> Later(Note note) { await Task.Delay(1); note.Count++; return note; }
    public async Task Nothing(Note note) { await Task.Delay(1); }
    public Stream Streams(Stream from) { return from; }
    public void NoParameters() { }
    public string Raises(Note note) { throw new ArgumentException("told", new IOException("why")); }
    public async Task<string> RaisesLater(Note note) {
      await Task.Delay(1);
      throw new InvalidOperationException("late");
    }
    public Dictionary<string, object> Knows(ILambdaContext context) {
      return new Dictionary<string, object> {
        { "id", context.AwsRequestId }, { "name", context.FunctionName }, { "arn", context.InvokedFunctionArn },
        { "memory", context.MemoryLimitInMB }, { "left", context.RemainingTime.TotalDays > 1 },
        { "variable", Environment.GetEnvironmentVariable("WANTED") }, { "folder", Directory.GetCurrentDirectory() },
        { "trace", Environment.GetEnvironmentVariable("_X_AMZN_TRACE_ID") },
        { "knob", Environment.GetEnvironmentVariable("DOTNET_GCHeapHardLimit") },
      };
    }
    public void Logs(Note note, ILambdaContext context) {
      Console.WriteLine("one\\ntwo"); Console.Write("be"); Console.WriteLine("gun"); Console.Error.WriteLine("failed");
      LambdaLogger.Log("logged"); context.Logger.LogLine("line"); context.Logger.LogWarning("warned");
      Console.Write("rest");
    }
    public void Places(Note note, ILambdaContext context) {
      var log = context.Logger;
      log.LogInformation("{count} of {product}: {price:F2} {{x}}", 2, "tea", 3.456);
      log.LogInformation("{1} {0} {1}", "zero", "one");
      var list = new List<int> { 1, 2 };
      log.LogInformation("{list} {@note} {at} {bytes} {missing}", list, new Note { Name = "n" },
        new DateTime(2026, 1, 2, 3, 4, 5), new byte[] { 1, 255 });
      log.Log(LogLevel.Warning, "by level"); log.Log("error", "by name");
      LambdaLogger.Log(LogLevel.Critical, "{a}!", 1.5);
      try { Raises(note); }
      catch (Exception error) {
        log.LogError(error, "failed {name}", "f");
        log.Log(LogLevel.Debug, error, null);
      }
    }
    public string Template(string text, ILambdaContext context) {
      context.Logger.LogInformation(text, 1, "two", null, new int[0]);
      return text;
    }
    public void Several(Note note) {
      throw new AggregateException("both", new IOException("one"), new TimeoutException("two"));
    }
    public object Client(ILambdaContext context) {
      var client = context.ClientContext;
      var title = client.Client == null ? null : client.Client.AppTitle;
      return new object[] { title, client.Custom, client.Environment, context.Identity.IdentityId };
    }
    public async void AsyncVoid(Note note) { await Task.Delay(1); }
    public void Many(Note a, ILambdaContext b, Note c) { }
    public void Twice(Note a) { }
    public void Twice(string a) { }
  }
  public class Broken { public Broken() { throw new TimeoutException("at the start"); } public void Handle() { } }
}
"""


@pytest.fixture(scope="module")
def files() -> Files:
    """Compiled once."""
    return package(FORMS)


Start = Callable[..., Bootstrap]


def starts(tmp_path: Path, files: Files) -> Iterator[Start]:
    """What starts a bootstrap for a handler of `FORMS`; ends them afterwards."""
    started: list[Bootstrap] = []
    assert DOTNET is not None
    knobs = (f"{name}={value}" for name, value in DotNet().knobs(256).items())
    executable, *rest = DotNet().command(DOTNET.executable, str(FOLDER), 256, {})
    command = " ".join(("env", *knobs, executable, *DOTNET.arguments, *rest))

    def begin(method: str, **variables: str) -> Bootstrap:
        for name, data in files.items():
            (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        bootstrap = Bootstrap(command, tmp_path)
        started.append(bootstrap)
        handler = method if "::" in method or not method else f"Function::Forms.Function::{method}"
        bootstrap.assign(handler, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", **variables})
        return bootstrap

    yield begin
    for bootstrap in started:
        bootstrap.close()


@pytest.fixture
def start(tmp_path: Path, files: Files) -> Iterator[Start]:
    """See `starts`."""
    yield from starts(tmp_path, files)


def test_what_is_in_the_repository_was_built_of_its_sources() -> None:
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sorted(FOLDER.glob("*.cs")))).hexdigest()
    assert digest.encode() in (FOLDER / "Lambent.Runtime.dll").read_bytes(), "bash requirements/dotnet.sh"


@needs_dotnet
@pytest.mark.parametrize(
    ("method", "event", "answer"),
    [
        ("Poco", {"Name": "ü", "Count": 2}, {"Name": "ü", "Count": 3}),
        ("Static", {"Name": "x"}, "x"),
        ("Later", {"Name": "x", "Count": 1}, {"Name": "x", "Count": 2}),
        ("Nothing", {}, None),
        ("Streams", {"any": [1]}, {"any": [1]}),
        ("NoParameters", {}, None),
    ],
)
def test_a_handler_answers_in_each_form_that_aws_has(start: Start, method: str, event: Any, answer: Any) -> None:
    frame = ready(start(method)).invoke(event)
    assert (frame.kind, frame.fields) == (frames.RESPONSE, ["r1"]), frame
    assert (json.loads(frame.payload) if frame.payload else None) == answer


@needs_dotnet
def test_an_object_is_made_once_for_all_invocations(start: Start) -> None:
    bootstrap = ready(start("Poco"))
    assert [json.loads(bootstrap.invoke({"Count": 0}).payload)["Count"] for _ in range(3)] == [1, 2, 3]


@needs_dotnet
@pytest.mark.parametrize(
    ("method", "error_type", "message", "cause"),
    [
        ("Raises", "ArgumentException", "told", "IOException"),
        ("RaisesLater", "InvalidOperationException", "late", None),
    ],
)
def test_an_error_ends_the_invocation(
    start: Start, method: str, error_type: str, message: str, cause: str | None
) -> None:
    bootstrap = ready(start(method))
    for _ in range(2):
        frame = bootstrap.invoke({})
        told = json.loads(frame.payload)
        assert (frame.kind, frame.fields) == (frames.ERROR, ["r1", error_type])
        assert (told["errorType"], told["errorMessage"], told.get("cause", {}).get("errorType")) == (
            error_type,
            message,
            cause,
        )
        assert (
            told["stackTrace"][0].startswith(f"at Forms.Function.{method}") or "Forms.Function" in told["stackTrace"][0]
        )
        assert not [line for line in told["stackTrace"] if "Lambent" in line]
    assert f"\tr1\tfail\tSystem.{error_type}: {message}" in bootstrap.output()


@needs_dotnet
@pytest.mark.parametrize(
    ("handler", "message"),
    [
        ("Function::Forms.Function", "The valid format is 'ASSEMBLY::TYPE::METHOD'"),
        ("Nowhere::Forms.Function::Poco", "Could not find the specified handler assembly"),
        ("Function::Forms.Nothing::Poco", "Unable to load type 'Forms.Nothing' from assembly 'Function'"),
        ("Missing", "Unable to find method 'Missing'"),
        ("Many", "more than 2 parameters"),
        ("Twice", "a number of overloads"),
        ("AsyncVoid", "async void"),
        ("Function::Forms.Broken::Handle", "constructor for type 'Forms.Broken'"),
    ],
)
def test_what_cannot_be_served_is_an_init_error_and_the_end(start: Start, handler: str, message: str) -> None:
    bootstrap = start(handler)
    frame = bootstrap.receive()
    assert frame is not None
    assert (frame.kind, frame.fields[0]) == (frames.INIT_ERROR, "LambdaException"), frame
    assert re.search(message, json.loads(frame.payload)["errorMessage"])
    assert bootstrap.receive() is None
    assert bootstrap.process.wait(WAIT_S) == 1


@needs_dotnet
def test_a_process_that_nobody_needs_ends_without_a_word(start: Start) -> None:
    bootstrap = start("")
    assert bootstrap.receive() is None
    assert bootstrap.process.wait(WAIT_S) == 0
    assert bootstrap.output() == ""


@needs_dotnet
def test_a_handler_knows_its_invocation_and_its_variables(start: Start, tmp_path: Path) -> None:
    frame = ready(start("Knows", WANTED="yes", AWS_LAMBDA_FUNCTION_NAME="forms")).invoke({}, trace="Root=7")
    told = {"id": "r1", "name": "forms", "arn": "arn", "memory": 256, "left": True, "variable": "yes"}
    assert json.loads(frame.payload) == told | {"folder": str(tmp_path), "trace": "Root=7", "knob": None}


@needs_dotnet
def test_what_is_logged_is_one_event_with_time_request_and_level(start: Start) -> None:
    bootstrap = ready(start("Logs"))
    bootstrap.invoke({})
    lines = [re.sub(r"^\0[\d-]+T[\d:.]+Z\t", "", line) for line in bootstrap.output().splitlines()]
    assert lines == [
        *("r1\tinfo\tone\0two", "r1\tinfo\tbegun", "r1\tfail\tfailed", "r1\tinfo\tlogged"),
        *("r1\tinfo\tline", "r1\twarn\twarned", "r1\tinfo\trest"),
    ]


PLACES: list[tuple[str, str, dict[str, Any]]] = [
    ("Information", "2 of tea: 3.46 {{x}}", {"count": 2, "product": "tea", "price": "3.46"}),
    ("Information", "one zero one", {"0": "zero", "1": "one"}),
    (
        "Information",
        "{list} Forms.Note 2026-01-02T03:04:05.000Z 01FF {missing}",
        {"list": [1, 2], "note": {"Name": "n", "Count": 0}, "at": "2026-01-02T03:04:05.000Z", "bytes": "01FF"},
    ),
    ("Warning", "by level", {}),
    ("Error", "by name", {}),
    ("Critical", "1.5!", {"a": 1.5}),
    ("Error", "failed f", {"name": "f", "errorType": "System.ArgumentException", "errorMessage": "told"}),
    ("Debug", "", {"errorType": "System.ArgumentException", "errorMessage": "told"}),
]


@needs_dotnet
def test_a_message_has_places_for_values_and_an_exception(start: Start) -> None:
    """Source: Lambda Developer Guide, "Log and monitor C# Lambda functions"; the texts of AWS's own library."""
    bootstrap = ready(start("Places"))
    bootstrap.invoke({})
    lines = [re.sub(r"^\0[\d-]+T[\d:.]+Z\tr1\t", "", line).split("\0") for line in bootstrap.output().splitlines()]
    short = {"Information": "info", "Warning": "warn", "Error": "fail", "Critical": "crit", "Debug": "dbug"}
    assert [line[0] for line in lines[:-1]] == [f"{short[level]}\t{text}" for level, text, _ in PLACES[:-1]]
    assert lines[-2][1].startswith("System.ArgumentException: told")
    assert any("System.IO.IOException: why" in line for line in lines[-2])
    assert lines[-1][0].startswith("dbug\tSystem.ArgumentException: told")


@needs_dotnet
def test_the_values_of_a_message_are_members_of_a_line_in_json(start: Start) -> None:
    bootstrap = ready(start("Places", AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="DEBUG"))
    bootstrap.invoke({})
    told = [json.loads(line[1:].replace("\0", "\n")) for line in bootstrap.output().splitlines()]
    assert told[-1].pop("stackTrace")[0].startswith("System.ArgumentException: told")
    told[-2].pop("stackTrace")
    for line in told:
        del line["timestamp"]
    assert told == [{"level": level, "requestId": "r1", "message": text} | more for level, text, more in PLACES]


@needs_dotnet
def test_any_text_is_a_message_with_places_or_one_without(files: Files, tmp_path: Path) -> None:
    """In one process: a template that ended it would end the test."""
    starting = starts(tmp_path, files)
    bootstrap = ready(next(starting)("Template", AWS_LAMBDA_LOG_FORMAT="JSON"))

    @given(st.text("{}@:0123 abF.é", max_size=24))
    @settings(max_examples=50)
    def told(template: str) -> None:
        assert json.loads(bootstrap.invoke(template).payload) == template
        line = json.loads(bootstrap.output().splitlines()[-1][1:].replace("\0", "\n"))
        assert line["level"] == "Information"
        assert "{" in template or line["message"] == template

    told()
    next(starting, None)


@needs_dotnet
def test_an_error_of_several_tells_them_all(start: Start) -> None:
    told = json.loads(ready(start("Several")).invoke({}).payload)
    assert [each["errorMessage"] for each in told["causes"]] == ["one", "two"]
    assert told["cause"]["errorType"] == "IOException"


@needs_dotnet
def test_what_a_client_has_sent_along_is_known(start: Start) -> None:
    bootstrap = ready(start("Client"))
    assert json.loads(bootstrap.invoke({}).payload) == [None, None, None, None]
    sent = json.dumps({"client": {"app_title": "t"}, "custom": {"k": "v"}, "env": {"n": 1}})
    assert json.loads(bootstrap.invoke({}, client_context=sent).payload) == ["t", {"k": "v"}, {"n": "1"}, None]


@needs_dotnet
def test_log_lines_in_json_have_the_levels_that_are_wanted(start: Start) -> None:
    bootstrap = ready(start("Logs", AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="WARN"))
    bootstrap.invoke({})
    told = [json.loads(line[1:]) for line in bootstrap.output().splitlines()]
    assert [(line["level"], line["message"], line["requestId"]) for line in told] == [
        ("Error", "failed", "r1"),
        ("Warning", "warned", "r1"),
    ]
