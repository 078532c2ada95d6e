"""AWS_LAMBDA_EXEC_WRAPPER on a real server, for the languages of the shared server; Ruby's is in `test_ruby`.

Source: Lambda Developer Guide, "Modifying the runtime environment" (a wrapper gets the path of the interpreter and all
arguments; it may add options in front of the last word, and set variables; runtimes of the `provided` family have
none); words and statuses where there is no wrapper: the open bootstrap of AWS's .NET runtimes.
"""

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from tests import csharp
from tests.acceptance.conftest import NATIVE, Platform, zipped
from tests.acceptance.test_extensions import WATCHER, layer_of

from lambent.sandbox.launch import look_at_host

WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
SCRIPT = """#!/bin/bash
echo "started by $0: $1"
export MARK="of the wrapper" OWN="$OWN, changed"
exec "${@:1:$#-1}" $OPTIONS "${@: -1}"
"""
PYTHON = """
import os, subprocess, sys
def handler(event, context):
    told = subprocess.run(["printenv", "MARK"], capture_output=True, text=True).stdout.strip()
    return [os.environ["MARK"], os.environ["OWN"], told, sys._xoptions.get("dev"), __name__, os.getcwd()]
"""
NODE = """exports.handler = async () => [
  process.env.MARK, process.env.OWN, require('child_process').execSync('printenv MARK').toString().trim(),
  Error.stackTraceLimit === 7, 'index', process.cwd()]"""
JAVA = """import java.util.*;
public class Echo {
    public List<Object> handle(Map<String, Object> event) throws Exception {
        Process child = new ProcessBuilder("printenv", "MARK").start();
        String told = new String(child.getInputStream().readAllBytes()).trim();
        return Arrays.asList(System.getenv("MARK"), System.getenv("OWN"), told, Boolean.getBoolean("mine"), "index",
            System.getProperty("user.dir"));
    }
}"""
DOTNET = """using System; using System.Diagnostics; using System.IO; using System.Collections.Generic;
[assembly: Amazon.Lambda.Core.LambdaSerializer(typeof(Serialization.Json))]
public class Echo {
  public static object[] Handle(Dictionary<string, object> e) {
    var start = new ProcessStartInfo("/usr/bin/printenv", "MARK") { RedirectStandardOutput = true };
    using (var child = Process.Start(start))
      return new object[] { Environment.GetEnvironmentVariable("MARK"), Environment.GetEnvironmentVariable("OWN"),
        child.StandardOutput.ReadToEnd().Trim(), true, "index", Directory.GetCurrentDirectory() };
  }
}"""


class Case(Struct, frozen=True):
    """One language: its function, and an option of its interpreter that this can see."""

    runtimes: str
    handler: str
    files: Callable[[str], Mapping[str, str | bytes]]
    options: str


def java_class(_: str) -> dict[str, str | bytes]:
    compiler = next(each.compiler for each in look_at_host().installations.values() if each.compiler)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Echo.java").write_text(JAVA)
        subprocess.run([compiler, "-proc:none", "--release", "11", "-d", folder, f"{folder}/Echo.java"], check=True)
        return {"Echo.class": Path(folder, "Echo.class").read_bytes()}


CASES = (
    Case(NATIVE, "index.handler", lambda _: {"index.py": PYTHON}, "-X dev"),
    Case("nodejs", "index.handler", lambda _: {"index.js": NODE}, "--stack-trace-limit=7"),
    Case("java", "Echo::handle", java_class, "-Dmine=true"),
    Case("dotnet", "Function::Echo::Handle", lambda _: csharp.package(DOTNET), "--additionalprobingpath /tmp"),
)


def create(platform: Platform, runtime: str, case: Case, files: Mapping[str, str | bytes], wrapper: str) -> str:
    """A function with a wrapper in its package."""
    variables = {WRAPPER: f"/var/task/{wrapper}", "OWN": "the function's", "OPTIONS": case.options}
    return platform.create_from(
        {**files, "unfit": SCRIPT, "wrapper": SCRIPT},
        runtime,
        case.handler,
        ("wrapper", "bootstrap"),
        Environment={"Variables": variables},
        MemorySize=512,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.runtimes)
def test_a_wrapper_starts_the_runtime_with_its_variables_and_options(
    platform: Platform, case: Case, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    found = [each for each in sorted(platform.runtimes()) if each.startswith(case.runtimes)]
    if not found or (case.runtimes == "dotnet" and csharp.installed() is None):
        pytest.skip(f"{case.runtimes} is not here")
    name = create(platform, found[0], case, case.files(found[0]), "wrapper")
    for _ in range(2):
        answer, log, failed = platform.invoke(name)
        assert not failed, log
        assert answer == [
            *("of the wrapper", "the function's, changed", "of the wrapper", True, "index", "/var/task")
        ], (answer, log)
    assert eventually(lambda: platform.logged(name, '"started by /var/task/wrapper: /var/lang/"'))


def test_a_wrapper_of_a_layer_starts_the_runtime_after_the_extensions(platform: Platform) -> None:
    published = platform.client("lambda").publish_layer_version(
        LayerName="wrapper", Content={"ZipFile": zipped({"bin/wrapper": SCRIPT}, ["bin/wrapper"])}
    )
    source = """
import os
def handler(event, context):
    with open("/proc/self/status") as status:
        facts = dict(line.strip().partition(":\\t")[::2] for line in status)
    rights = [facts[name] for name in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")]
    kinds = [os.readlink(f"/proc/self/fd/{each}").partition(":")[0] for each in range(4)]
    return [os.environ["MARK"], os.path.exists("/tmp/registered"), rights, kinds, len(os.listdir("/proc/self/fd"))]
"""
    name = platform.create(
        source,
        Runtime=NATIVE,
        Layers=[published["LayerVersionArn"], layer_of(platform, {"watcher": WATCHER})],
        Environment={"Variables": {WRAPPER: "/opt/bin/wrapper", "OWN": "any", "OPTIONS": ""}},
    )
    answer, log, failed = platform.invoke(name)
    assert not failed, log
    assert answer[:2] == ["of the wrapper", True]
    assert answer[2] == ["0" * 16, "0" * 16, "1", "2"]  # as for a function without a wrapper
    assert answer[3:] == [["/dev/null", "pipe", "pipe", "socket"], 5]  # the fifth is the listing's own


def test_snapstart_with_a_wrapper_is_refused_when_a_version_is_published(
    platform: Platform, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    if "python3.12" not in platform.runtimes():
        pytest.skip("Python 3.12, the first with SnapStart, is not on this host")
    lambda_ = platform.client("lambda")
    name = create(platform, "python3.12", CASES[0], {"index.py": PYTHON}, "wrapper")
    lambda_.update_function_configuration(FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"})
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    version = lambda_.publish_version(FunctionName=name)["Version"]

    def failed() -> Any:
        told = lambda_.get_function_configuration(FunctionName=name, Qualifier=version)
        return told if told["State"] == "Failed" else None

    assert f"SnapStart is not possible with {WRAPPER}" in eventually(failed)["StateReason"]


@pytest.mark.parametrize(
    ("wrapper", "line", "status"),
    [("nowhere", "does not exist", 127), ("unfit", "is not an executable", 126)],
)
def test_without_the_wrapper_there_is_no_function(platform: Platform, wrapper: str, line: str, status: int) -> None:
    name = create(platform, NATIVE, CASES[0], {"index.py": PYTHON}, wrapper)
    answer, log, failed = platform.invoke(name)
    assert failed
    assert answer["errorType"] == "Runtime.ExitError"
    assert f"exit status {status}" in answer["errorMessage"], log
    assert f"/var/task/{wrapper}: {line}" in log


def test_custom_runtimes_have_no_wrapper(platform: Platform) -> None:
    bootstrap = """#!/bin/sh
exec 2>&1
echo "the bootstrap: $MARK$#"
exit 3
"""
    case = Case("provided.al2023", "any", lambda _: {}, "")
    name = create(platform, "provided.al2023", case, {"bootstrap": bootstrap}, "wrapper")
    answer, log, failed = platform.invoke(name)
    assert failed
    assert "the bootstrap: 0" in log, (answer, log)
