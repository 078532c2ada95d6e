"""Load from wrk (the Debian package `wrk`), the same way for everything that is compared."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from typing import Any

WARM_UP_S = 2
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
TELLING = """
response = function(status, headers, body)
  if status >= 300 and not told then
    told = true
    print("first refused: " .. status .. " " .. body)
  end
end
"""


def require_wrk() -> None:
    """Say how to get wrk where it is missing."""
    if shutil.which("wrk") is None:
        raise SystemExit("the benchmark needs wrk: apt-get install wrk (or your system's package of that name)")


def script(body: bytes, headers: Mapping[str, str]) -> str:
    """wrk's Lua for one POST that is sent again and again."""
    lines = ['wrk.method="POST"', f"wrk.body=[==[{body.decode()}]==]"]
    lines += [f'wrk.headers["{name}"]=[==[{value}]==]' for name, value in headers.items()]
    return "\n".join(lines) + "\n"


def telling(lua: str) -> str:
    """The same, but it says what the first answer was that is none of 2xx; wrk is slower then."""
    return lua + TELLING


def measure(url: str, lua: str, concurrency: int, seconds: int) -> dict[str, Any]:
    """Requests a second and latencies, after a warm-up. One thread of wrk, keep-alive connections."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(lua)
        file.flush()
        _wrk(url, file.name, concurrency, WARM_UP_S)
        return _figures(_wrk(url, file.name, concurrency, seconds))


def _wrk(url: str, path: str, concurrency: int, seconds: int) -> str:
    command = ["wrk", "-t1", f"-c{concurrency}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s", path, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"wrk gave up: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _figures(text: str) -> dict[str, Any]:
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: (.*)", text)
    first = re.search(r"first refused: (.*)", text)
    return {
        "rps": float(_found(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50_ms": _percentile(50, text),
        "p99_ms": _percentile(99, text),
        "requests": int(_found(r"(\d+) requests in", text)[1]),
        "non_2xx": int(refused[1]) if refused else 0,
        "socket_errors": errors[1] if errors else "",
        "first_refused": first[1] if first else "",
    }


def _percentile(percent: int, text: str) -> float:
    match = _found(rf"{percent}%\s+([\d.]+)(us|ms|s)", text)
    return round(float(match[1]) * UNITS_MS[match[2]], 3)


def _found(pattern: str, text: str) -> re.Match[str]:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"wrk said something unexpected:\n{text}")
    return match
