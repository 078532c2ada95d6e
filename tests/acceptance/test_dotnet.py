"""Functions in C# on a real server: answers, errors, log lines, what ends a process, layers' folders.

They run on the .NET 8 that `make test` fetches, compiled by Mono's compiler.
Sources: Lambda Developer Guide, "Building Lambda functions with C#"; behaviours sections 8, 12 and 15.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import Platform
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
# What Amazon.Lambda.RuntimeSupport does for a program with top-level statements, in few words.
PROGRAM = """
using System;
using System.Net.Http;
using System.Text;
using System.Text.Json;
public static class Program {
  static readonly HttpClient Api = new HttpClient { Timeout = TimeSpan.FromDays(1) };
  static readonly string Base =
    "http://" + Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/";
  static void Post(string path, object told, string errorType = null) {
    var content = new StringContent(JsonSerializer.Serialize(told), Encoding.UTF8, "application/json");
    if (errorType != null) content.Headers.Add("Lambda-Runtime-Function-Error-Type", errorType);
    Api.PostAsync(Base + path, content).GetAwaiter().GetResult().EnsureSuccessStatusCode();
  }
  static object Fault(Exception error) {
    return new { errorType = error.GetType().Name, errorMessage = error.Message, stackTrace = new string[0] };
  }
  public static int Main(string[] arguments) {
    if (Environment.GetEnvironmentVariable("BROKEN") != null) {
      Post("init/error", Fault(new TimeoutException("at the start")), "TimeoutException");
      return 1;
    }
    var calls = 0;
    while (true) {
      calls++;
      var next = Api.GetAsync(Base + "invocation/next").GetAwaiter().GetResult();
      var id = string.Join("", next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id"));
      var text = next.Content.ReadAsStringAsync().GetAwaiter().GetResult();
      var form = JsonDocument.Parse(text).RootElement.GetProperty("form").GetString();
      Console.WriteLine("asked for " + form);
      if (form == "exits") return 3;
      try {
        if (form == "throws") throw new ArgumentException("told");
        Post("invocation/" + id + "/response", new {
          calls, version = Environment.Version.Major, handler = Environment.GetEnvironmentVariable("_HANDLER"),
          execution = Environment.GetEnvironmentVariable("AWS_EXECUTION_ENV"), arguments = arguments.Length,
          heap = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20, own = Environment.GetEnvironmentVariable("OWN"),
          folder = Environment.CurrentDirectory, wrapped = Environment.GetEnvironmentVariable("MARK") });
      } catch (Exception error) {
        Post("invocation/" + id + "/error", Fault(error), error.GetType().Name);
      }
    }
  }
}
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
    return dotnet.create_from(package(HANDLERS), RUNTIME, "Function::Forms.Function::Handle", MemorySize=256)


def test_a_handler_knows_its_invocation(dotnet: Platform, function: str) -> None:
    answer, log, failed = dotnet.invoke(function, {"form": "value", "text": "ü"})
    assert not failed, log
    assert (answer["text"], answer["name"], answer["memory"]) == ("ü", function, 256)
    assert 0 < answer["left"] <= 30_000
    assert answer["arn"].endswith(f":function:{function}")
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["id"])


def test_an_error_is_told_as_on_aws(dotnet: Platform, function: str) -> None:
    answer, log, failed = dotnet.invoke(function, {"form": "throws"})
    assert failed
    assert (answer["errorType"], answer["errorMessage"]) == ("ArgumentException", "told"), log
    assert (answer["cause"]["errorType"], answer["cause"]["errorMessage"]) == ("IOException", "why")
    assert "Forms.Function" in answer["stackTrace"][0]
    assert re.search(r"^\d{4}-\S+Z\t[0-9a-f-]{36}\tfail\tSystem\.ArgumentException: told$", log, re.MULTILINE), log
    assert " ---> System.IO.IOException: why" in log


@pytest.mark.parametrize(
    ("form", "error_type"),
    [("exits", "Runtime.ExitError"), ("takes", "OutOfMemoryException")],
)
def test_what_ends_an_invocation_is_told_and_another_goes_on(
    dotnet: Platform, function: str, form: str, error_type: str
) -> None:
    answer, log, failed = dotnet.invoke(function, {"form": form})
    assert failed
    assert answer["errorType"] == error_type, log
    assert dotnet.invoke(function, {"form": "garbage"})[0] == "lives"


def test_time_is_limited(dotnet: Platform) -> None:
    name = dotnet.create_from(package(HANDLERS), RUNTIME, "Function::Forms.Function::Handle", Timeout=1, MemorySize=256)
    assert dotnet.invoke(name, {"form": "sleeps"})[0]["errorType"] == "Sandbox.Timedout"


def test_log_lines_are_those_of_aws(dotnet: Platform, function: str) -> None:
    _, log, _ = dotnet.invoke(function, {"form": "logs"})
    assert re.search(r"^\d{4}-\S+Z\t[0-9a-f-]{36}\tinfo\ttwo\nlines$", log, re.MULTILINE), log
    assert "\twarn\tcareful\n" in log


def test_the_environment_is_the_runtimes_own(dotnet: Platform, function: str) -> None:
    answer, _, _ = dotnet.invoke(function, {"form": "environment"})
    assert answer["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert answer["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert not [name for name in answer if name.startswith(("DOTNET_", "COMPlus_"))]


def test_streams_are_passed_as_they_are_and_variables_that_count_at_the_start_are_honoured(dotnet: Platform) -> None:
    variables = {"DOTNET_TieredCompilation": "0", "COMPlus_TieredCompilation": "0"}
    name = dotnet.create_from(package(STREAMS), RUNTIME, "Function::Echo::Handle", Environment={"Variables": variables})
    assert dotnet.invoke(name, {"any": [1, "ü"]})[0] == {"any": [1, "ü"]}


@pytest.fixture(scope="module")
def program() -> Files:
    """An executable assembly, and what `dotnet publish` has beside it."""
    return package(PROGRAM, "exe")


@pytest.fixture(scope="module")
def executable(dotnet: Platform, program: Files) -> str:
    """A function that is a program."""
    return dotnet.create_from(program, RUNTIME, "Function", MemorySize=500, Environment={"Variables": {"OWN": "there"}})


def test_an_executable_assembly_asks_for_its_invocations(dotnet: Platform, executable: str) -> None:
    calls = []
    for _ in range(3):
        answer, log, failed = dotnet.invoke(executable, {"form": "value"})
        assert not failed, log
        assert "asked for value\n" in log
        calls.append(answer.pop("calls"))
        assert answer == {
            "version": 8,
            "handler": "Function",
            "execution": "AWS_Lambda_dotnet8",
            "arguments": 0,
            "heap": 400,
            "own": "there",
            "folder": "/var/task",
            "wrapped": None,
        }
    assert calls == [1, 2, 3]


def test_an_error_of_an_executable_assembly_is_its_own_and_its_end_is_told(dotnet: Platform, executable: str) -> None:
    answer, log, failed = dotnet.invoke(executable, {"form": "throws"})
    assert failed, log
    assert answer == {"errorType": "ArgumentException", "errorMessage": "told", "stackTrace": []}
    answer, log, failed = dotnet.invoke(executable, {"form": "exits"})
    assert failed, log
    assert answer["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in answer["errorMessage"]
    assert dotnet.invoke(executable, {"form": "value"})[0]["calls"] == 1


def test_an_executable_assembly_that_cannot_begin_says_why(dotnet: Platform, program: Files) -> None:
    name = dotnet.create_from(program, RUNTIME, "Function.dll", Environment={"Variables": {"BROKEN": "1"}})
    answer, log, failed = dotnet.invoke(name, {"form": "value"})
    assert failed
    assert answer["errorType"] == "TimeoutException", log
    assert answer["errorMessage"] == "at the start"


def test_a_wrapper_starts_an_executable_assembly(dotnet: Platform, program: Files) -> None:
    wrapper = '#!/bin/sh\necho "in front of $*"\nMARK=set OWN=changed exec "$@"\n'
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper", "OWN": "there"}
    name = dotnet.create_from(
        {**program, "wrapper": wrapper}, RUNTIME, "Function", ["wrapper"], Environment={"Variables": variables}
    )
    answer, log, failed = dotnet.invoke(name, {"form": "value"})
    assert not failed, log
    assert (answer["wrapped"], answer["own"]) == ("set", "changed")
    assert re.search(r"^in front of /var/lang/dotnet exec .*/var/task/Function\.dll$", log, re.MULTILINE), log


def test_a_native_binary_is_run_as_it_is(dotnet: Platform, tmp_path: Path) -> None:
    """What an ahead-of-time compiler of .NET makes is a program as any: this one is C."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler is not here")
    source = Path(__file__).with_name("bootstrap.c")
    subprocess.run([compiler, "-O1", "-D_GNU_SOURCE", "-static", "-o", tmp_path / "Native", source], check=True)
    files: Files = {"Native": (tmp_path / "Native").read_bytes()}
    name = dotnet.create_from(files, RUNTIME, "Native", ["Native"])
    for number in range(3):
        assert dotnet.invoke(name, {"n": number})[0] == {"n": number}


def test_a_program_that_is_not_there_is_told_as_on_aws(dotnet: Platform) -> None:
    answer, log, failed = dotnet.invoke(dotnet.create_from(package(STREAMS), RUNTIME, "Hello"), {})
    assert failed
    assert answer["errorType"] == "Runtime.ExitError"
    assert "exit status 104" in answer["errorMessage"]
    assert "Error: executable assembly /var/task/Hello.dll or binary /var/task/Hello not found." in log


def test_what_waits_of_dotnet_is_shown(
    dotnet: Platform, function: str, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    eventually(lambda: dotnet.waiting("dotnet"))


def test_a_version_that_is_not_here_is_refused_with_what_to_install(platform: Platform) -> None:
    if "dotnet10" in platform.runtimes():
        pytest.skip("this host has it")
    with pytest.raises(Exception, match=r"dotnet10 needs the \.NET 10 runtime .*DOTNET_ROOT.*--runtime-fallback"):
        platform.create("", Runtime="dotnet10", Handler="A::B::C")
