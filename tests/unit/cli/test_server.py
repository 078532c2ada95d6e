"""A server for a while: waited for, stopped, nothing left; with a stand-in that keeps the same promises."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.cli.errors import CommandError
from lambent.cli.server import Server, free_port, temporary_server

STAND_IN = """
import http.server, json, pathlib, signal, sys
from lambent.store.folder_lock import hold
data, port, manner = pathlib.Path(sys.argv[2]), int(sys.argv[4]), sys.argv[5]
if manner == "fails":
    sys.exit("cgroups are not mounted")
if manner == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

(data / "run").mkdir(parents=True)
lock = hold(data)
server = http.server.HTTPServer(("127.0.0.1", port), Health)
(data / "root-key.json").write_text('{"AccessKeyId": "A", "SecretAccessKey": "B"}')
endpoint = {"endpoint": f"http://127.0.0.1:{port}", "region": "us-east-1"}
(data / "run" / "endpoint.json").write_text(json.dumps(endpoint))
server.serve_forever()
"""
PROGRAM = (sys.executable, "-c", STAND_IN)


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ls-", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_it_is_ready_inside_and_gone_outside(place: Path) -> None:
    with temporary_server(["polite"], PROGRAM) as server:
        assert server.access.endpoint == server.endpoint
        assert os.listdir(place) != []
    assert server.process.returncode == 0
    assert os.listdir(place) == []


def test_an_interruption_leaves_nothing(place: Path) -> None:
    def interrupted() -> None:
        with temporary_server(["polite"], PROGRAM) as server:
            started.append(server)
            raise KeyboardInterrupt

    started: list[Server] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert started[0].process.returncode == 0
    assert os.listdir(place) == []


def test_one_that_cannot_start_says_why_in_its_own_words(place: Path) -> None:
    with (
        pytest.raises(CommandError, match=r"ended with 1: cgroups are not mounted"),
        temporary_server(["fails"], PROGRAM),
    ):
        pytest.fail("it cannot be ready")
    assert os.listdir(place) == []


def test_one_that_does_not_stop_is_killed(place: Path) -> None:
    server = Server(place / "data", free_port(), ["stubborn"], PROGRAM)
    server.wait_ready()
    assert server.stop(limit_s=0.1) == -9
