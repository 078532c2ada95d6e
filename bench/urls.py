"""Function URLs under load, and answers in pieces, on a server of its own.

    .venv/bin/python bench/urls.py [--seconds 5]

The promise is 4,000 requests a second through a URL on two cores, load generator, policy, sandbox, logs and metering
included. Streams: how fast a function of 1,769 MB gets its pieces through to a client, and how long a client waits for
the first byte of an answer that takes much longer. CPU is that of the edge, a request.
"""

import http.client
import json
import statistics
import time
from typing import Any
from urllib.parse import urlsplit

import functions
from callers import JSON
from command import how_many, parser, run
from lambent.cli.access import client
from lambent.cli.server import Server, temporary_server
from load import measure, require_wrk, script
from processes import Meter, edges_of

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


class Urls:
    """A server's functions with their URLs."""

    def __init__(self, server: Server) -> None:
        self._server, self._lambda = server, client(server.access, "lambda")
        self._role = functions.role_of(client(server.access, "iam"))

    def make(self, handler: str, mode: str) -> str:
        """The host of a new function's URL, which everyone may use."""
        settings = {"Handler": f"app.{handler}", "MemorySize": 1769, "Timeout": 60}
        functions.make(self._lambda, self._role, handler, SOURCE, **settings)
        url = self._lambda.create_function_url_config(FunctionName=handler, AuthType="NONE", InvokeMode=mode)
        self._lambda.add_permission(
            FunctionName=handler,
            StatementId="public",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        )
        return str(urlsplit(url["FunctionUrl"]).netloc)

    def load(
        self,
        host: str,
        connections: int,
        seconds: int,
        path: str = "/hello?a=1",
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Requests a second to that host, and the edge's CPU for one."""
        lua = script(b'{"name": "world"}', {**JSON, **(headers or {}), "Host": host})
        meter, began_s = Meter(edges_of(self._server.access)), time.perf_counter()
        figures = measure(self._server.endpoint + path, lua, connections, seconds)
        requests = round(figures["rps"] * (time.perf_counter() - began_s))  # those of the warm-up, too
        return {**figures, "edge_us": round(sum(meter.used_us(requests)), 1)}

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
    flags = parser(__doc__)
    flags.add_argument("--seconds", type=how_many, default=5)
    arguments = flags.parse_args()
    require_wrk()
    print(json.dumps(measure_urls(arguments.seconds), indent=1))


if __name__ == "__main__":
    run(main)
