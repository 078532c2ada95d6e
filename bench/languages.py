"""Each language in one run: its plain process start, our cold start, our warm p50 and rate.

    .venv/bin/python bench/languages.py [--seconds 5] [--starts 20]

Cold is the first invocation of a function that was just created, one after the other with a pause in which the pool
is filled again: the time that a client sees, on a connection that it has. Warm is wrk with a signed request: p50 on one
connection, the rate on 16, of a function of 1,769 MB (one CPU). Two edges, everything on. The plain start is that of
the language's own program that does nothing, the least of some runs; a language is one entry in `CASES`. Programs are
those of the tests, as `make test` builds them; the one in C speaks the least HTTP that will do, as a yardstick.
"""

import argparse
import hashlib
import http.client
import shutil
import statistics
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

import functions
from callers import invocations_of, signed
from command import how_many, parser, run
from image import imported
from lambent.cli.access import client, read_status
from lambent.cli.server import Server, temporary_server
from lambent.sandbox.interpreters import Interpreter
from lambent.sandbox.languages.language import Installation
from lambent.sandbox.launch import OS_ONLY, Host, every_runtime, look_at_host
from load import measure, require_wrk, script, telling
from patience import Patience

PAUSE_S, PLAIN_STARTS = 0.5, 5
BODY = b'{"name": "world"}'
ONE_CPU_MB = 1769
HOUSE = Path(__file__).parents[1]
BUILT = HOUSE / "build"


class Case(Struct, frozen=True):
    """One language: which runtimes will do (the newest found is measured), the package, and its plain start."""

    name: str
    runtimes: str
    handler: str
    files: Mapping[str, str | Path]
    plain: tuple[str, ...]  # EXECUTABLE is the interpreter that was found
    image: bool = False  # the program is the one file of a container image


CASES = (
    Case(
        *("Python", "python", "app.handler", {"app.py": "def handler(event, context):\n    return event\n"}),
        plain=("EXECUTABLE", "-I", "-c", "pass"),
    ),
    Case(
        *("Node.js", "nodejs", "index.handler", {"index.mjs": "export const handler = async (event) => event\n"}),
        plain=("EXECUTABLE", "-e", "0"),
    ),
    Case(
        *("Ruby", "ruby", "app.handler", {"app.rb": "def handler(event:, context:) = event\n"}),
        plain=("EXECUTABLE", "-e", "0"),
    ),
    Case(
        *("Java", "java", "Echo::handle", {"Echo.class": BUILT / "java" / "Echo.class"}),
        plain=("EXECUTABLE", "-cp", str(BUILT / "java"), "Echo"),
    ),
    Case(
        *("C#", "dotnet", "Echo::Echo::Handle", {"Echo.dll": BUILT / "csharp" / "Echo.dll"}),
        plain=("EXECUTABLE", "exec", str(BUILT / "csharp" / "Echo.dll")),
    ),
    *(
        Case(name, "provided", "echo", {"bootstrap": BUILT / folder / "programs"}, (str(BUILT / folder / "nothing"),))
        for name, folder in (("Go", "go"), ("Rust", "rust"), ("C", "c"))
    ),
    Case(
        *("Go, image", "provided", "echo", {"bootstrap": BUILT / "go" / "programs"}, (str(BUILT / "go" / "nothing"),)),
        image=True,
    ),
)


JAVA_ECHO = """import java.util.Map;
public class Echo {
    public static void main(String[] nothing) {}
    public Map<String, Object> handle(Map<String, Object> event) { return event; }
}
"""


CSHARP_ECHO = """public class Echo {
    public static void Main() {}
    public static System.IO.Stream Handle(System.IO.Stream input) { return input; }
}
"""
CSHARP_SETTINGS = '{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "8.0.0"}}}'
CSHARP_REFERENCES = BUILT / "dotnet/dotnetcore2/bin/shared/Microsoft.NETCore.App"


def build_csharp() -> None:
    """The function in C#, where `make test` has fetched what it is compiled for."""
    compiler, folder = shutil.which("mcs"), BUILT / "csharp"
    if compiler is None or not CSHARP_REFERENCES.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Echo.cs").write_text(CSHARP_ECHO)
    (folder / "Echo.runtimeconfig.json").write_text(CSHARP_SETTINGS)
    library = next(CSHARP_REFERENCES.iterdir())
    references = [f"-r:{library}/{name}.dll" for name in ("System.Private.CoreLib", "System.Runtime")]
    output = f"-out:{folder}/Echo.dll"
    subprocess.run([compiler, "-nostdlib", "-noconfig", *references, output, folder / "Echo.cs"], check=True)


def build_java(host: Host) -> None:
    """The function in Java, where there is one; the oldest of them runs what is made."""
    compiler, folder = (
        next((each.compiler for each in host.installations.values() if each.compiler), ""),
        BUILT / "java",
    )
    if compiler:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Echo.java").write_text(JAVA_ECHO)
        subprocess.run([compiler, "--release", "11", "-d", folder, folder / "Echo.java"], check=True)


def build_yardstick() -> None:
    """The programs in C, where there is a compiler."""
    compiler, folder = shutil.which("cc"), BUILT / "c"
    if compiler is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    nothing = folder / "nothing.c"
    nothing.write_text("int main(void) { return 0; }\n")
    for source, name in ((HOUSE / "tests/acceptance/bootstrap.c", "programs"), (nothing, "nothing")):
        subprocess.run([compiler, "-O2", "-D_GNU_SOURCE", "-static", "-o", folder / name, source], check=True)


class Subject(Struct, frozen=True):
    """What is measured: the identifier that functions have, which version serves it here, and its interpreter."""

    runtime: str
    version: str
    executable: str


def newest(case: Case, host: Host) -> Subject | None:
    """The newest of a language that is found; one that is older than all of AWS's serves the oldest of these."""
    if case.runtimes == "provided":
        bootstrap = case.files["bootstrap"]
        built = isinstance(bootstrap, Path) and bootstrap.exists()
        return Subject(OS_ONLY[-1], OS_ONLY[-1], "") if built else None
    found: dict[str, Interpreter | Installation] = {**host.pythons, **host.installations}
    of_it = [runtime for runtime in found if runtime.startswith(case.runtimes)]
    if not of_it or not all(Path(each).exists() for each in case.files.values() if isinstance(each, Path)):
        return None
    of_aws = [runtime for runtime in every_runtime() if runtime.startswith(case.runtimes)]
    version = of_it[-1]
    return Subject(version if version in of_aws else of_aws[0], version, found[version].executable)


def plain_start_ms(case: Case, executable: str) -> float:
    """The least of some."""
    command = [executable if word == "EXECUTABLE" else word for word in case.plain]
    took_ms = []
    for _ in range(PLAIN_STARTS):
        began_s = time.perf_counter()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        took_ms.append((time.perf_counter() - began_s) * 1000)
    return min(took_ms)


class Bench:
    """One server, and functions of every language on it."""

    def __init__(self, server: Server) -> None:
        self._server, self._lambda = server, client(server.access, "lambda")
        self._uri = ""  # of the one image
        self._role = functions.role_of(client(server.access, "iam"))

    def make(self, case: Case, runtime: str, name: str, memory_mb: int) -> None:
        """An active function."""
        package = {"Runtime": runtime, "Handler": case.handler}
        what = self._image(case) if case.image else package | {"Code": {"ZipFile": functions.zipped(case.files)}}
        self._lambda.create_function(FunctionName=name, Role=self._role, MemorySize=memory_mb, **what)
        functions.wait_active(self._lambda, name)

    def _image(self, case: Case) -> dict[str, Any]:
        program = case.files["bootstrap"]
        assert isinstance(program, Path)
        self._uri = self._uri or imported(program, [f"_HANDLER={case.handler}"], "bench:1", self._server.data)
        return {"PackageType": "Image", "Code": {"ImageUri": self._uri}}

    def first_ms(self, name: str) -> float:
        """How long a client waits for the first answer."""
        url = invocations_of(self._server.access, name)
        headers, address = signed(self._server.access, url, BODY), urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        connection.connect()
        began_s = time.perf_counter()
        connection.request("POST", address.path, BODY, headers)
        answer = connection.getresponse()
        body = answer.read()
        took_ms = (time.perf_counter() - began_s) * 1000
        connection.close()
        if answer.status != 200 or answer.getheader("X-Amz-Function-Error"):
            raise SystemExit(f"{name} failed: {body!r}")
        return took_ms

    def wait_for_pool(self, runtime: str, pause_s: float) -> None:
        """Until a sandbox waits again, and a moment for what is started in it. Custom runtimes begin in any sandbox."""
        patience = Patience(f"a sandbox for {runtime} is started ahead", pause_s=0.02)
        while not any(
            (each["runtime"] == runtime or runtime in OS_ONLY) and any(waiting["count"] for waiting in each["waiting"])
            for each in read_status(self._server.access)["runtimes"]
        ):
            patience.wait()
        time.sleep(pause_s)

    def figures(self, case: Case, subject: Subject, arguments: argparse.Namespace) -> dict[str, Any]:
        """The line of one language."""
        runtime = subject.runtime
        name = hashlib.sha256(case.name.encode()).hexdigest()[:8]
        took_ms = []
        for number in range(arguments.starts):
            self.make(case, runtime, f"{name}-{number}", 128)
            self.wait_for_pool(subject.version, arguments.pause)
            took_ms.append(self.first_ms(f"{name}-{number}"))
        self.make(case, runtime, name, ONE_CPU_MB)
        url = invocations_of(self._server.access, name)
        lua = script(BODY, signed(self._server.access, url, BODY))
        if arguments.explain:
            lua = telling(lua)
        one, many = (measure(url, lua, connections, arguments.seconds) for connections in (1, 16))
        for each in (one, many):
            if each["first_refused"]:
                print(f"{case.name}: {each['non_2xx']} failed, the first with {each['first_refused']}")
        return {
            "language": case.name,
            "runtime": subject.version,
            "plain_start_ms": round(plain_start_ms(case, subject.executable), 1),
            "cold_ms_p50": round(statistics.median(took_ms), 1),
            "cold_ms_min": round(min(took_ms), 1),
            "cold_ms_max": round(max(took_ms), 1),
            "warm_ms_p50": one["p50_ms"],
            "warm_per_s": round(many["rps"]),
            "failed": one["non_2xx"] + many["non_2xx"],
        }


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--seconds", type=how_many, default=5)
    flags.add_argument("--starts", type=how_many, default=20)
    flags.add_argument("--pause", type=float, default=PAUSE_S, help="seconds for what is started ahead")
    flags.add_argument("--only", choices=[case.name for case in CASES], help="one language")
    flags.add_argument("--explain", action="store_true", help="say why the first request failed; rates are lower then")
    arguments = flags.parse_args()
    require_wrk()
    build_yardstick()
    build_java(look_at_host())
    build_csharp()
    host, rows = look_at_host(), []
    with temporary_server(["--log-level", "error", "--edges", "2", "--runtime-fallback"]) as server:
        bench = Bench(server)
        for case in CASES:
            there = newest(case, host)
            if there is None:
                print(f"{case.name}: not on this host (`make test` builds what can be built)")
            elif arguments.only in (None, case.name):
                rows.append(bench.figures(case, there, arguments))
    if not rows:
        raise SystemExit("none of the languages that were asked for is on this host")
    print("| " + " | ".join(rows[0]) + " |")
    print("| " + " | ".join("---" for _ in rows[0]) + " |")
    for row in rows:
        print("| " + " | ".join(map(str, row.values())) + " |")


if __name__ == "__main__":
    run(main)
