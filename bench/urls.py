"""Function URLs under load, and answers in pieces, on a server of its own.

    .venv/bin/python bench/urls.py [--seconds 5]

The promise is 4,000 requests a second through a URL on two cores, load generator, policy, sandbox, logs and metering
included. Streams: how fast a function of 1,769 MB gets its pieces through to a client, and how long a client waits for
the first byte of an answer that takes much longer. CPU is that of the edge, a request.
"""

import argparse
import http.client
import io
import json
import statistics
import time
import zipfile
from typing import Any
from urllib.parse import urlsplit

from density import TRUST
from load import measure, require_wrk, script
from queues import cpu_s

from lambent.cli.access import client, read_status
from lambent.cli.server import Server, temporary_server

MIB = 1024 * 1024
STREAMED_BYTES, FIRSTS = 150 * MIB, 30
SOURCE = """
import json, time

def api(event, context):
    name = json.loads(event["body"])["name"]
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps({"hello": name})}

def stream(event, context):
    piece = b"x" * 65536
    for _ in range(int(event["queryStringParameters"]["pieces"])):
        yield piece
    time.sleep(float(event["queryStringParameters"].get("rest", 0)))
"""
HEADERS = {"Content-Type": "application/json"}


class Urls:
    """A server's functions with their URLs."""

    def __init__(self, server: Server) -> None:
        self._server, self._lambda = server, client(server.access, "lambda")
        iam = client(server.access, "iam")
        self._role = iam.create_role(RoleName="urls", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]

    def make(self, handler: str, mode: str) -> str:
        """The host of a new function's URL, which everyone may use."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("app.py", SOURCE)
        self._lambda.create_function(
            FunctionName=handler,
            Runtime="python3.11",
            Role=self._role,
            Handler=f"app.{handler}",
            MemorySize=1769,
            Timeout=60,
            Code={"ZipFile": package.getvalue()},
        )
        self._lambda.get_waiter("function_active_v2").wait(FunctionName=handler, WaiterConfig={"Delay": 1})
        url = self._lambda.create_function_url_config(FunctionName=handler, AuthType="NONE", InvokeMode=mode)
        self._lambda.add_permission(
            FunctionName=handler,
            StatementId="public",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        )
        return urlsplit(url["FunctionUrl"]).netloc

    def load(
        self,
        host: str,
        connections: int,
        seconds: int,
        path: str = "/hello?a=1",
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Requests a second to that host, and the edge's CPU for one."""
        edge = read_status(self._server.access)["parts"]["edges"][0]["pid"]
        lua = script(b'{"name": "world"}', {**HEADERS, **(headers or {}), "Host": host})
        before_s, began_s = cpu_s(edge), time.perf_counter()
        figures = measure(self._server.endpoint + path, lua, connections, seconds)
        load_s = time.perf_counter() - began_s
        cpu_us = (cpu_s(edge) - before_s) / (figures["rps"] * load_s) * 1e6
        return {**figures, "edge_us": round(cpu_us, 1)}

    def stream(self, host: str, pieces: int, rest_s: float = 0) -> tuple[float, float, int]:
        """Seconds to the first byte and to the last, and how many came."""
        address = urlsplit(self._server.endpoint)
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        began_s = time.perf_counter()
        connection.request("GET", f"/?pieces={pieces}&rest={rest_s}", headers={"Host": host})
        answer = connection.getresponse()
        count = len(answer.read1())
        first_s = time.perf_counter() - began_s
        while data := answer.read(MIB):
            count += len(data)
        connection.close()
        return first_s, time.perf_counter() - began_s, count


def measure_urls(seconds: int = 5) -> dict[str, Any]:
    """All of it."""
    with temporary_server(["--log-level", "error"]) as server:
        urls = Urls(server)
        host = urls.make("api", "BUFFERED")
        found: dict[str, Any] = {str(count): urls.load(host, count, seconds) for count in (1, 16, 64)}
        host = urls.make("stream", "RESPONSE_STREAM")
        urls.stream(host, 1)
        firsts = [urls.stream(host, 1, rest_s=0.1)[0] for _ in range(FIRSTS)]
        _, took_s, count = urls.stream(host, STREAMED_BYTES // 65536)
        if count != STREAMED_BYTES:
            raise SystemExit(f"{count} of {STREAMED_BYTES} bytes came")
        first_ms = round(statistics.median(firsts) * 1000, 2)
        return found | {"first_byte_ms_p50": first_ms, "streamed_mb_per_s": round(count / took_s / 1e6)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    arguments = parser.parse_args()
    require_wrk()
    print(json.dumps(measure_urls(arguments.seconds), indent=1))


if __name__ == "__main__":
    main()
