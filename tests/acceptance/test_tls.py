"""HTTPS, by the clients that people have: boto3, `aws`, and whoever checks a certificate."""

import json
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambent.cli.server import free_port
from lambent.gateway.http.certificates import make_authority, make_server

HEALTH = b"GET /_lambent/health HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n"


def health_over_tls(port: int, name: str, trust: Path) -> bytes:
    """As a client that knows the server as `name` and trusts the authority at `trust`."""
    context = ssl.create_default_context(cafile=trust)
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname=name) as way,
    ):
        way.sendall(HEALTH % name.encode())
        return way.makefile("rb").read()


@pytest.mark.needs_root
def test_with_tls_every_tool_speaks_https_and_http_goes_on(own_server: Callable[..., Any]) -> None:
    platform = own_server("--tls", "--tls-names", "api.example.test")
    variables, port = platform.variables, int(platform.endpoint.rpartition(":")[2])
    assert variables["AWS_ENDPOINT_URL"] == f"https://127.0.0.1:{port}"
    trust = Path(variables["AWS_CA_BUNDLE"])

    assert platform.aws("lambda", "list-functions")["Functions"] == []
    assert platform.lambent("status").returncode == 0
    sqs = boto3.client(
        "sqs",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        verify=variables["AWS_CA_BUNDLE"],
        region_name="us-east-1",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    assert sqs.create_queue(QueueName="over-tls")["QueueUrl"].startswith("https://")
    for name in ("localhost", "bucket.s3.localhost", "api.example.test"):
        assert b'"status":"ready"' in health_over_tls(port, name, trust)
    api = health_over_tls(port, "x1.execute-api.us-east-1.localhost", trust)  # every path of its host is the API's own
    assert api.startswith(b"HTTP/1.1 403 ")  # there is none of this name
    with pytest.raises(ssl.SSLCertVerificationError):
        health_over_tls(port, "elsewhere.test", trust)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_lambent/health") as plain:
        assert json.load(plain)["status"] == "ready"


@pytest.mark.needs_root
def test_a_certificate_of_ones_own_is_shown_and_a_wrong_one_stops_the_start(
    own_server: Callable[..., Any], readable: Path, tmp_path: Path
) -> None:
    now_s = time.time()
    authority = make_authority(now_s)
    trust, given = tmp_path / "trust.pem", readable / "given.pem"
    trust.write_bytes(authority)
    given.write_bytes(make_server(authority, ["lambent.test"], now_s))
    platform = own_server("--tls-certificate", str(given))
    port = int(platform.endpoint.rpartition(":")[2])
    assert platform.variables["AWS_ENDPOINT_URL"] == f"https://lambent.test:{port}"
    assert b'"status":"ready"' in health_over_tls(port, "lambent.test", trust)

    words = ("serve", "--data", tmp_path / "data", "--port", str(free_port()), "--tls-certificate", str(given))
    wrong = subprocess.run(
        [platform.bin / "lambent", *words, "--tls-key", "/etc/hostname"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert wrong.returncode == 1
    assert "cannot be used" in wrong.stderr
