"""Many environments at once, on one machine: that all answer, and what one more of them costs in memory.

crowd   concurrent Invokes of a function that sleeps for so long that all of them run at the same time.
idle    so many environments after their invocation: warm, and frozen until the next.

Memory is PSS, pages shared with others counted in parts: of the runtime process and of the sandbox's own
first process, summed over all environments.
"""

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import functions
from callers import invocations_of, raw, signed
from lambent.cli.access import Access, client, read_status
from lambent.cli.server import Server
from processes import pss_kb

MEMORY_MB = 128
SOURCE = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'slept'\n"
LOOK_EVERY_S = 8.0  # a look at a thousand processes takes half a second of a core


def flags(count: int) -> list[str]:
    """What a server needs for so many environments: memory is promised, and only what is touched is used."""
    return ["--node-memory-mb", str(count * MEMORY_MB)]


def crowd(server: Server, count: int, sleep_s: float) -> dict[str, Any]:
    """`count` concurrent Invokes, each asleep for `sleep_s`."""
    access, name = server.access, f"crowd-{count}"
    role = functions.role_of(client(access, "iam"))
    functions.make(client(access, "lambda"), role, name, SOURCE, MemorySize=MEMORY_MB, Timeout=300)
    return asyncio.run(_crowd(access, invocations_of(access, name), count, sleep_s))


def idle(server: Server) -> dict[str, Any]:
    """The environments that are there now, with nothing to do."""
    return _memory(server.access)


async def _crowd(access: Access, url: str, count: int, sleep_s: float) -> dict[str, Any]:
    body = str(sleep_s).encode()
    request = raw(url, body, {**signed(access, url, body), "Connection": "close"})
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
    address = urlsplit(endpoint)
    try:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 200") and answer.endswith(b'"slept"')


def _memory(access: Access) -> dict[str, Any]:
    environments = read_status(access).get("environments", [])
    sizes_kb = [sum(map(pss_kb, _tree(each["pid"]))) for each in environments]
    total_mb = sum(sizes_kb) / 1024
    each_mb = total_mb / len(sizes_kb) if sizes_kb else 0.0
    return {"environments": len(sizes_kb), "pss_mb": round(total_mb, 1), "each_mb": round(each_mb, 2)}


def _tree(pid: int) -> list[int]:
    try:
        below = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it ended while we looked
        return []
    return [pid, *(one for child in below for one in _tree(child))]
