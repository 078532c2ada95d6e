"""The trace header's variable: seen alike by Python, C and child processes, and it costs no memory."""

import subprocess
import sys
from pathlib import Path

import lambent

RUNTIME = Path(lambent.__file__).parent / "runtimes" / "python" / "trace.py"
PRELUDE = f"""
import ctypes, importlib.util, os, resource, subprocess
spec = importlib.util.spec_from_file_location("trace", {str(RUNTIME)!r})
trace = importlib.util.module_from_spec(spec); spec.loader.exec_module(trace)
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
name = "_X_AMZN_TRACE_ID"
def seen():
    child = subprocess.run(["printenv", name], capture_output=True, text=True).stdout.strip()
    return os.environ.get(name), (getenv(name.encode()) or b"").decode(), child
variable = trace.TraceVariable()
"""


def run(source: str) -> str:
    return subprocess.run([sys.executable, "-c", PRELUDE + source], capture_output=True, text=True, check=True).stdout


def test_everyone_sees_each_new_header() -> None:
    told = run("for header in ('Root=1-a', 'Root=1-bb', 'R'): variable.set(header); print(*seen())")
    assert told.split() == ["Root=1-a"] * 3 + ["Root=1-bb"] * 3 + ["R"] * 3


def test_an_empty_header_removes_it() -> None:
    assert run("variable.set('a'); variable.set(''); print(seen()); variable.set('b'); print(*seen())").split("\n")[
        :2
    ] == ["(None, '', '')", "b b b"]


def test_a_function_that_sets_it_itself_does_not_break_the_next_invocation() -> None:
    source = "variable.set('a'); os.environ[name] = 'own'; print(*seen()); variable.set('b'); print(*seen())"
    assert run(source).split() == ["own"] * 3 + ["b"] * 3


def test_a_million_headers_would_cost_nothing() -> None:
    source = """
grown = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
variable.set("x" * 1024); before = grown()
for number in range(100_000): variable.set(f"Root=1-5759e988-{number:024x};Sampled=0")
print(grown() - before)
"""
    assert int(run(source)) < 2000  # kilobytes; setenv would take 10,000
