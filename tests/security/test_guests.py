"""Languages other than Python live behind the same walls: what their programs can reach, and what they can take.

Each language has one probe: a program that does what an event asks ({"do", ...}) and answers with what came of it,
"done" or the name of the error. A process that was started before it was known for whom has let go of its rights just
as one that was started late, which `NODE_OPTIONS` and its like bring about; both are tried.
"""

import asyncio
import functools
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import Struct
from tests import compiled, csharp
from tests.images.layouts import Layout, entry
from tests.images.layouts import folder as directory
from tests.security.test_freezing import TICKS_AT_MOST, cpu_ticks, frozen

from lambent.environment.api import OutcomeKind
from lambent.model.environment import Container
from lambent.sandbox.languages.table import language_of
from lambent.sandbox.launch import look_at_host
from lambent.sandbox.watched_memory import niceness

if TYPE_CHECKING:
    from tests.security.conftest import AgentProcess, Edge, Function

JAVA_PROBE = Path(__file__).parent / "Probe.java"
NODE_PROBE = """
const fs = require('node:fs'), net = require('node:net'), { spawnSync } = require('node:child_process');
let turns = 0;
const spin = () => { turns++; setImmediate(spin) };
const verbs = {
  count: () => { const before = turns; if (!before) spin(); return before },
  read: ({ path }) => fs.readFileSync(path, 'utf8'),
  list: ({ path }) => fs.readdirSync(path).sort(),
  write: ({ path }) => { fs.writeFileSync(path, 'x'); return 'done' },
  kill: ({ pid, signal }) => { process.kill(pid, signal); return 'done' },
  identity: () => [process.pid, process.getuid(), fs.readFileSync('/proc/self/status', 'utf8')],
  connect: ({ host, port }) => new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: 2000 }, () => resolve('done'));
    socket.on('error', reject).on('timeout', () => resolve('ETIMEDOUT'));
  }),
  become: () => { process.setuid(0); return 'done' },
  take: () => { const held = []; for (;;) held.push(Buffer.alloc(1 << 20, 1)) },
  multiply: () => {
    const many = 'i=0; while [ $i -lt 1500 ]; do sleep 60 >/dev/null 2>&1 & i=$((i + 1)); done; echo no limit';
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', many], { encoding: 'utf8', stdio: 'pipe', timeout: 20_000 });
    return (stdout + stderr).trim();
  },
};
exports.handler = async (event) => {
  try {
    return await verbs[event.do](event);
  } catch (error) {
    return error.code ?? error.name;
  }
};
"""


RUBY_PROBE = """
require 'socket'
TURNS = [0]
VERBS = {
  'count' => lambda { |_|
    before = TURNS[0]
    Thread.new { loop { TURNS[0] += 1 } } if before.zero?
    Thread.pass until TURNS[0].positive?
    before
  },
  'read' => ->(event) { File.read(event['path']) },
  'list' => ->(event) { Dir.children(event['path']).sort },
  'write' => ->(event) { File.write(event['path'], 'x') && 'done' },
  'kill' => ->(event) { Process.kill(event['signal'], event['pid']) && 'done' },
  'identity' => ->(_) { [Process.pid, Process.uid, File.read('/proc/self/status')] },
  'connect' => ->(event) { Socket.tcp(event['host'], event['port'], connect_timeout: 2).close || 'done' },
  'become' => ->(_) { Process::Sys.setuid(0) || 'done' },
  'take' => ->(_) { held = []; loop { held << 'x' * (1 << 20) } },
  'multiply' => lambda { |_|
    many = 'i=0; while [ $i -lt 1500 ]; do sleep 60 >/dev/null 2>&1 & i=$((i + 1)); done; echo no limit'
    IO.popen(['/bin/sh', '-c', many, { err: %i[child out] }], &:read).strip
  }
}.freeze

def handler(event:, context:)
  VERBS.fetch(event['do']).call(event)
rescue SystemCallError => e
  e.class.name.delete_prefix('Errno::')
end
"""


DOTNET_PROBE = """
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading;
using Amazon.Lambda.Core;
[assembly: LambdaSerializer(typeof(Serialization.Json))]
public class Probe {
  [DllImport("libc", SetLastError = true)] static extern int kill(int pid, int signal);
  [DllImport("libc", SetLastError = true)] static extern int setuid(int uid);
  [DllImport("libc")] static extern int getuid();
  [DllImport("libc")] static extern int system(string command);
  static long turns;
  static readonly Dictionary<int, string> Names = new Dictionary<int, string> {
    { 1, "EPERM" }, { 2, "ENOENT" }, { 3, "ESRCH" }, { 13, "EACCES" }, { 21, "EISDIR" }, { 30, "EROFS" } };
  static string Told(int errno) { return Names.TryGetValue(errno, out var name) ? name : errno.ToString(); }
  static object Did(int answer) { return answer == 0 ? "done" : Told(Marshal.GetLastWin32Error()); }
  public object Handle(Dictionary<string, JsonElement> e) {
    try { return Do(e); }
    catch (FileNotFoundException) { return "ENOENT"; }
    catch (DirectoryNotFoundException) { return "ENOENT"; }
    catch (UnauthorizedAccessException) { return "EACCES"; }
    catch (IOException error) { return Told(error.HResult); }
    catch (SocketException error) {
      return error.SocketErrorCode == SocketError.ConnectionRefused ? "ECONNREFUSED"
        : error.SocketErrorCode == SocketError.NetworkUnreachable ? "ENETUNREACH" : error.SocketErrorCode.ToString();
    }
  }
  object Do(Dictionary<string, JsonElement> e) {
    switch (e["do"].GetString()) {
      case "count":
        var before = Interlocked.Read(ref turns);
        var spinner = new Thread(() => { while (true) Interlocked.Increment(ref turns); }) { IsBackground = true };
        if (before == 0) spinner.Start();
        while (Interlocked.Read(ref turns) == 0) Thread.Yield();
        return before;
      case "read": return File.ReadAllText(e["path"].GetString());
      case "list":
        return Directory.GetFileSystemEntries(e["path"].GetString()).Select(Path.GetFileName).OrderBy(n => n).ToArray();
      case "write": File.WriteAllText(e["path"].GetString(), "x"); return "done";
      case "kill": return Did(kill(e["pid"].GetInt32(), e["signal"].ValueKind == JsonValueKind.Number ? 0 : 9));
      case "identity":
        return new object[] { Process.GetCurrentProcess().Id, getuid(), File.ReadAllText("/proc/self/status") };
      case "connect":
        using (var client = new TcpClient()) client.Connect(e["host"].GetString(), e["port"].GetInt32());
        return "done";
      case "become": return Did(setuid(0));
      case "take":
        while (true) {
          var piece = Marshal.AllocHGlobal(1 << 20);
          for (var at = 0; at < 1 << 20; at += 4096) Marshal.WriteByte(piece, at, 1);
        }
      default:
        var many = "i=0; while [ $i -lt 1500 ]; do sleep 60 >/dev/null 2>&1 & i=$((i + 1)); done; echo no limit";
        system("(" + many + ") >/tmp/said 2>&1"); // Process starts threads, for which there is no room
        return File.ReadAllText("/tmp/said");
    }
  }
}
"""


class Probe(Struct, frozen=True):
    """One language's program, and a variable that makes it start late."""

    files: Mapping[str, str | bytes]
    handler: str
    late: Mapping[str, str]


INSTALLED = look_at_host().installations
NEWEST = list({language_of(runtime): runtime for runtime in INSTALLED}.values())  # of each language
OTHERS = ("bootstrap", "image")  # of the program in Go
ALL = [*NEWEST, *OTHERS]
RUNTIMES = [
    *((runtime, when) for runtime in NEWEST for when in ("early", "late")),
    *((each, "late") for each in OTHERS),
]


@functools.cache
def probe_of(runtime: str) -> Probe:
    """The program in the language of `runtime`."""
    if runtime.startswith("nodejs"):
        return Probe({"index.js": NODE_PROBE.encode()}, "index.handler", {"NODE_OPTIONS": "--no-warnings"})
    if runtime.startswith("ruby"):
        return Probe({"index.rb": RUBY_PROBE.encode()}, "index.handler", {"RUBYOPT": "-W0"})
    if runtime.startswith("dotnet"):
        if csharp.installed() is None:
            pytest.skip("a compiler of C# is not here: apt-get install mono-mcs")
        return Probe(csharp.package(DOTNET_PROBE), "Function::Probe::Handle", {"DOTNET_TieredCompilation": "1"})
    with tempfile.TemporaryDirectory() as made:
        command = (INSTALLED[runtime].compiler, "-proc:none", "--release", "11", "-d", made, str(JAVA_PROBE))
        subprocess.run(command, check=True)
        files = {each.name: each.read_bytes() for each in Path(made).iterdir()}
    return Probe(files, "Probe::handle", {"JAVA_TOOL_OPTIONS": "-Xss512k"})


def go_probe(agent: "AgentProcess", what: str) -> dict[str, Any]:
    """The environment of the program in Go, which brings nothing along but itself."""
    if what == "bootstrap":
        return {"runtime": "provided.al2023", "files": {"bootstrap": compiled.program("go", "probe")}}
    with tempfile.TemporaryDirectory() as made:
        entries = [entry("probe", compiled.program("go", "probe"), 0o755), directory("home")]
        digest = agent.image(Layout(Path(made, "layout")).add(entries).finish(Entrypoint=["/probe"]))
    return {"runtime": "", "handler": "", "code": digest, "container": Container(("/probe",), "/")}


async def probe(edge: "Edge", runtime: str, when: str = "early", **changes: Any) -> "Function":
    """An environment that does as it is told."""
    if runtime in OTHERS:
        return await edge.function("", **(go_probe(edge.agent, runtime) | changes))
    language = probe_of(runtime)
    variables = {"PATH": "/var/lang/bin:/usr/bin:/bin", "LAMBDA_TASK_ROOT": "/var/task"}
    if when == "late":
        variables |= language.late
    chosen = {"files": dict(language.files), "handler": language.handler, "runtime": runtime, "variables": variables}
    return await edge.function("", **(chosen | changes))


@pytest.fixture(params=RUNTIMES, ids="-".join)
async def function(request: pytest.FixtureRequest, edge: "Edge", neighbour: "Function") -> "Function":
    """One for each language and both ways of starting."""
    return await probe(edge, *request.param)


async def test_no_file_of_the_host_or_of_the_platform_is_there(edge: "Edge", function: "Function") -> None:
    for path in ("/.lambent/code", str(edge.agent.data), "/root/.bashrc", "/etc/shadow", "/proc/1/environ"):
        assert await function({"do": "read", "path": path}) in ("ENOENT", "EACCES", "EISDIR", "EPERM"), path
    assert await function({"do": "list", "path": "/.lambent"}) in ([], "ENOENT")
    assert await function({"do": "list", "path": "/home"}) == []


async def test_nothing_can_be_written_but_the_own_tmp(function: "Function") -> None:
    for folder in ("/var/task", "/var/runtime", "/var/lang", "/usr", "/etc", "/", "/opt", "/.lambent"):
        assert await function({"do": "write", "path": f"{folder}/new"}) in ("EROFS", "EACCES", "ENOENT"), folder
    assert await function({"do": "write", "path": "/tmp/new"}) == "done"


async def test_every_right_is_gone(edge: "Edge", function: "Function") -> None:
    pid, uid, status = await function({"do": "identity"})
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert pid > 1
    assert uid != 0
    assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    assert await function({"do": "become"}) != "done"


async def test_only_its_own_processes_are_in_reach(edge: "Edge", function: "Function") -> None:
    seen = [int(name) for name in await function({"do": "list", "path": "/proc"}) if name.isdigit()]
    pid, _, _ = await function({"do": "identity"})
    assert seen == [pid]
    assert await function({"do": "kill", "pid": os.getpid(), "signal": 0}) == "ESRCH"
    if not edge.agent.shared_uid:
        assert await function({"do": "kill", "pid": 1, "signal": "SIGKILL"}) == "EPERM"


async def test_no_network_but_the_platforms(function: "Function") -> None:
    assert await function({"do": "connect", "host": "127.0.0.1", "port": 22}) == "ECONNREFUSED"
    assert await function({"do": "connect", "host": "10.0.0.1", "port": 80}) == "ENETUNREACH"
    assert await function({"do": "connect", "host": "1.1.1.1", "port": 443}) == "ENETUNREACH"


async def test_where_no_control_group_gives_it_a_share_its_priority_does(edge: "Edge", function: "Function") -> None:
    threads = [f"/proc/self/task/{each}/stat" for each in await function({"do": "list", "path": "/proc/self/task"})]
    told = [await function({"do": "read", "path": path}) for path in threads]
    nice = {int(text.rpartition(") ")[2].split()[16]) for text in told if text != "ENOENT"}  # a thread may have ended
    assert nice == ({0} if edge.agent.has_groups else {niceness(128)})


async def test_memory_ends_at_the_functions(edge: "Edge", function: "Function") -> None:
    assert (await function.outcome({"do": "take"})).kind is OutcomeKind.EXIT
    assert (await edge.wait_exit(function)).out_of_memory


@pytest.mark.parametrize("runtime", ALL)
async def test_processes_are_counted(edge: "Edge", neighbour: "Function", runtime: str) -> None:
    function = await probe(edge, runtime, memory_mb=3008)
    assert "Cannot fork" in await function({"do": "multiply"})


@pytest.mark.parametrize("runtime", ALL)
async def test_what_runs_in_the_background_stands_still_between_invocations(edge: "Edge", runtime: str) -> None:
    function = await probe(edge, runtime)
    assert await function({"do": "count"}) == 0
    pids = await frozen(edge, function)
    used = cpu_ticks(pids)
    await asyncio.sleep(0.2)  # what is looked for is that nothing happens
    assert cpu_ticks(pids) <= used + TICKS_AT_MOST
    async with asyncio.timeout(60):
        while await function({"do": "count"}) == 0:  # the handler may be done before its thread has had a turn
            pass


@pytest.mark.parametrize("runtime", ALL)
async def test_what_one_leaves_in_tmp_another_does_not_find(edge: "Edge", runtime: str) -> None:
    one, other = await probe(edge, runtime), await probe(edge, runtime)
    assert await one({"do": "write", "path": "/tmp/left"}) == "done"
    assert await other({"do": "read", "path": "/tmp/left"}) == "ENOENT"
