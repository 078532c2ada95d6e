"""Many environments at once, on one machine: that all answer, and what one more of them costs in memory.

crowd   concurrent Invokes of a function that sleeps for so long that all of them run at the same time.
idle    so many environments after their invocation: warm, and frozen until the next.

Memory is PSS, pages shared with others counted in parts: of the runtime process and of the sandbox's own
first process, summed over all environments.
"""

import asyncio
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from lambent.cli.access import Access, client, read_status
from lambent.cli.server import Server

MEMORY_MB = 128
SOURCE = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'slept'\n"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    ],
}
LOOK_EVERY_S = 8.0  # a look at a thousand processes takes half a second of a core


def flags(count: int) -> list[str]:
    """What a server needs for so many environments: memory is promised, and only what is touched is used."""
    return ["--node-memory-mb", str(count * MEMORY_MB)]


def crowd(server: Server, count: int, sleep_s: float) -> dict[str, Any]:
    """`count` concurrent Invokes, each asleep for `sleep_s`."""
    url, name = server.endpoint, f"crowd-{count}"
    _create(server.access, name)
    return asyncio.run(_crowd(server.access, f"{url}/2015-03-31/functions/{name}/invocations", count, sleep_s))


def idle(server: Server) -> dict[str, Any]:
    """The environments that are there now, with nothing to do."""
    return _memory(server.access)


def _create(access: Access, name: str) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        entry = zipfile.ZipInfo("app.py")
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, SOURCE)
    iam = client(access, "iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    client(access, "lambda").create_function(
        FunctionName=name, Runtime="python3.11", Role=role, Handler="app.handler",
        Code={"ZipFile": package.getvalue()}, MemorySize=MEMORY_MB, Timeout=300,
    )  # fmt: skip


async def _crowd(access: Access, url: str, count: int, sleep_s: float) -> dict[str, Any]:
    request = _signed(access, url, str(sleep_s).encode())
    begin_s = time.perf_counter()
    calls = [asyncio.create_task(_answered(access.endpoint, request)) for _ in range(count)]
    most = {"environments": 0}
    while not all(call.done() for call in calls):
        await asyncio.wait(calls, timeout=LOOK_EVERY_S, return_when=asyncio.ALL_COMPLETED)
        seen = await asyncio.to_thread(_memory, access)
        most = max(most, seen, key=lambda each: each["environments"])
    took_s = time.perf_counter() - begin_s
    answered = sum(call.result() for call in calls)
    return {"n": count, "ok": answered, "at_once": most, "seconds": round(took_s, 2), "sleep_s": sleep_s}


async def _answered(endpoint: str, request: bytes) -> bool:
    """Whether the answer is the function's own."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        answer = await reader.read()
        writer.close()
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 200") and answer.endswith(b'"slept"')


def _signed(access: Access, url: str, body: bytes) -> bytes:
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    credentials = boto3.Session(access.access_key_id, access.secret).get_credentials()
    SigV4Auth(credentials, "lambda", access.region).add_auth(request)
    host, _, path = url.removeprefix("http://").partition("/")
    headers = [f"{name}: {value}" for name, value in request.headers.items() if name.lower() != "content-length"]
    head = [f"POST /{path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def _memory(access: Access) -> dict[str, Any]:
    environments = read_status(access).get("environments", [])
    sizes_kb = [sum(map(_pss_kb, _tree(each["pid"]))) for each in environments]
    total_mb = sum(sizes_kb) / 1024
    each_mb = total_mb / len(sizes_kb) if sizes_kb else 0.0
    return {"environments": len(sizes_kb), "pss_mb": round(total_mb, 1), "each_mb": round(each_mb, 2)}


def _tree(pid: int) -> list[int]:
    try:
        below = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it ended while we looked
        return []
    return [pid, *(one for child in below for one in _tree(child))]


def _pss_kb(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
