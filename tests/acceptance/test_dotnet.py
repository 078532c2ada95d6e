"""Functions in C# on a real server: answers, errors, log lines, what ends a process, layers' folders.

They run on the .NET 8 that `make test` fetches, compiled by Mono's compiler. Sources: Lambda Developer Guide, "Building Lambda functions with C#"; behaviours sections 8, 12 and 15.
"""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.acceptance.conftest import Platform, zipped
from tests.csharp import RUNTIME, Files, installed, package

HANDLERS = """
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Amazon.Lambda.Core;
[assembly: LambdaSerializer(typeof(Serialization.Json))]
namespace Forms {
  public class Function {
    public async Task<object> Handle(Dictionary<string, JsonElement> e, ILambdaContext context) {
      await Task.Yield();
      switch (e["form"].GetString()) {
        case "value": return new {
          text = e["text"].GetString(), left = context.RemainingTime.TotalMilliseconds, name = context.FunctionName,
          arn = context.InvokedFunctionArn, id = context.AwsRequestId, memory = context.MemoryLimitInMB };
        case "throws": throw new ArgumentException("told", new IOException("why"));
        case "exits": Environment.Exit(3); return null;
        case "sleeps": Thread.Sleep(60000); return null;
        case "logs": Console.WriteLine("two\\nlines"); context.Logger.LogWarning("careful"); return null;
        case "environment": return Environment.GetEnvironmentVariables();
        case "descriptors": return Directory.GetFileSystemEntries("/proc/self/fd").Length < 200;
        case "takes":
          var held = new List<byte[]>();
          for (var i = 0; i < 400; i++) { held.Add(new byte[1 << 20]); Array.Fill(held[i], (byte)1); }
          return held.Count;
        case "garbage":
          for (var i = 0; i < 600; i++) Array.Fill(new byte[1 << 19], (byte)1);
          return "lives";
        default: return null;
      }
    }
  }
}
"""
STREAMS = """
using System.IO;
public class Echo { public static Stream Handle(Stream from) { return from; } }
"""


@pytest.fixture(scope="module")
def dotnet(platform: Platform) -> Platform:
    """The server, where it has found a .NET 8 and something compiles for that."""
    if RUNTIME not in platform.runtimes() or installed() is None:
        pytest.skip("a .NET 8 runtime (`make test` fetches one) and mono-mcs")
    return platform


@pytest.fixture(scope="module")
def function(dotnet: Platform) -> str:
    """One function for all forms."""
    return create(dotnet, package(HANDLERS), "Function::Forms.Function::Handle", Timeout=4, MemorySize=256)


def create(platform: Platform, files: Files, handler: str, **parameters: Any) -> str:
    chosen = {"Code": {"ZipFile": zipped(files)}, "Runtime": RUNTIME, "Handler": handler}
    return platform.create("", **chosen | parameters)


def invoke(platform: Platform, name: str, event: Any) -> tuple[Any, str, bool]:
    """The answer, the log, and whether it is an error."""
    answer = platform.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    return json.loads(answer["Payload"].read()), log, "FunctionError" in answer


def test_a_handler_knows_its_invocation(dotnet: Platform, function: str) -> None:
    answer, log, failed = invoke(dotnet, function, {"form": "value", "text": "ü"})
    assert not failed, log
    assert (answer["text"], answer["name"], answer["memory"]) == ("ü", function, 256)
    assert 0 < answer["left"] <= 4000
    assert answer["arn"].endswith(f":function:{function}")
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["id"])


def test_an_error_is_told_as_on_aws(dotnet: Platform, function: str) -> None:
    answer, log, failed = invoke(dotnet, function, {"form": "throws"})
    assert failed
    assert (answer["errorType"], answer["errorMessage"]) == ("ArgumentException", "told"), log
    assert (answer["cause"]["errorType"], answer["cause"]["errorMessage"]) == ("IOException", "why")
    assert "Forms.Function" in answer["stackTrace"][0]
    assert re.search(r"^\d{4}-\S+Z\t[0-9a-f-]{36}\tfail\tArgumentException: told$", log, re.MULTILINE), log


@pytest.mark.parametrize(
    ("form", "error_type"),
    [("exits", "Runtime.ExitError"), ("sleeps", "Sandbox.Timedout"), ("takes", "OutOfMemoryException")],
)
def test_what_ends_an_invocation_is_told_and_another_goes_on(
    dotnet: Platform, function: str, form: str, error_type: str
) -> None:
    answer, log, failed = invoke(dotnet, function, {"form": form})
    assert failed
    assert answer["errorType"] == error_type, log
    assert invoke(dotnet, function, {"form": "garbage"})[0] == "lives"


def test_log_lines_are_those_of_aws(dotnet: Platform, function: str) -> None:
    _, log, _ = invoke(dotnet, function, {"form": "logs"})
    assert re.search(r"^\d{4}-\S+Z\t[0-9a-f-]{36}\tinfo\ttwo\nlines$", log, re.MULTILINE), log
    assert "\twarn\tcareful\n" in log


def test_the_environment_is_the_runtimes_own(dotnet: Platform, function: str) -> None:
    answer, _, _ = invoke(dotnet, function, {"form": "environment"})
    assert answer["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert answer["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert not [name for name in answer if name.startswith(("DOTNET_", "COMPlus_"))]


def test_streams_are_passed_as_they_are_and_variables_that_count_at_the_start_are_honoured(dotnet: Platform) -> None:
    variables = {"DOTNET_TieredCompilation": "0", "COMPlus_TieredCompilation": "0"}
    name = create(dotnet, package(STREAMS), "Function::Echo::Handle", Environment={"Variables": variables})
    assert invoke(dotnet, name, {"any": [1, "ü"]})[0] == {"any": [1, "ü"]}


def test_what_cannot_be_served_is_told(dotnet: Platform) -> None:
    answer, log, failed = invoke(dotnet, create(dotnet, package(STREAMS), "Function"), {})
    assert failed
    assert answer["errorType"] == "LambdaException"
    assert "provided.al2023" in answer["errorMessage"]
    assert "INIT_REPORT" in log


def test_what_waits_of_dotnet_is_shown(
    dotnet: Platform, function: str, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    def waits() -> bool:
        told = json.loads(dotnet.lambent("runtimes", "--format", "json").stdout)
        return any(each["count"] for one in told if one["runtime"].startswith("dotnet") for each in one["waiting"])

    eventually(waits)


def test_a_version_that_is_not_here_is_refused_with_what_to_install(platform: Platform) -> None:
    if "dotnet10" in platform.runtimes():
        pytest.skip("this host has it")
    with pytest.raises(Exception, match=r"dotnet10 needs the \.NET 10 runtime .*DOTNET_ROOT.*--runtime-fallback"):
        platform.create("", Runtime="dotnet10", Handler="A::B::C")
