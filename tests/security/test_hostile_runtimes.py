"""Runtimes that do not play by the rules: each harms its own function and nobody else's.

Every one of these runs beside a well-behaved function of the same server, which must go on answering. Each is a
`bootstrap` in a zip, and the entry point of a container image.
"""

from typing import TYPE_CHECKING

import pytest
from tests.acceptance import conftest
from tests.acceptance.test_custom_runtimes import create, invoke, package, program
from tests.images.functions import Images
from tests.images.layouts import entry
from tests.images.python_root import executable

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

platform = conftest.platform  # a server of our own

GOOD = "def handler(event, context):\n    return 'well'\n"

HOSTILE = {
    "answers for another request": (
        """
        request_id, _, _ = work()
        for other in ("00000000-0000-4000-8000-000000000001", "../x", "%2e%2e", "a" * 5000):
            assert ask("POST", f"invocation/{other}/response", "{}")[0] in (400, 404)
        time.sleep(60)
        """,
        "Sandbox.Timedout",
    ),
    "floods with connections": (
        """
        import socket
        request_id, _, _ = work()
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        held = []
        for _ in range(150):
            each = socket.create_connection((host, int(port)), timeout=5)
            try:
                each.sendall(b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\\r\\n")
                each.sendall(b"Host: x\\r\\nContent-Length: 9")
            except OSError:
                pass
            held.append(each)
        ask("POST", f"invocation/{request_id}/response", '"done"')
        """,
        None,
    ),
    "sends without end": (
        """
        import socket
        request_id, _, _ = work()
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        raw = socket.create_connection((host, int(port)))
        raw.sendall(f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\\r\\n".encode())
        raw.sendall(b"Host: x\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n")
        while True:
            raw.sendall(b"10000\\r\\n" + bytes(65536) + b"\\r\\n")
        """,
        "Sandbox.Timedout",
    ),
    "sends what is no HTTP": (
        """
        import socket
        request_id, _, _ = work()
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        length = b"POST / HTTP/1.1\\r\\nContent-Length: -1\\r\\n\\r\\n"
        for junk in (b"\\0" * 70000, b"GET / HTTP/9.9\\r\\n\\r\\n", length, b"x: " * 99999):
            try:
                raw = socket.create_connection((host, int(port)))
                raw.sendall(junk)
                raw.recv(1000)
            except OSError:
                pass
        ask("POST", f"invocation/{request_id}/response", '"done"')
        """,
        None,
    ),
    "never asks for work": ("time.sleep(60)", "Sandbox.Timedout"),
    "dies in the middle of its answer": (
        """
        import socket
        request_id, _, _ = work()
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        raw = socket.create_connection((host, int(port)))
        raw.sendall(f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\\r\\n".encode())
        raw.sendall(b"Host: x\\r\\nContent-Length: 100\\r\\n\\r\\nhalf")
        os._exit(9)
        """,
        "Runtime.ExitError",
    ),
    "asks for work while it has some": (
        """
        request_id, _, _ = work()
        for _ in range(1000):
            assert ask("GET", "invocation/next")[0] == 403
        ask("POST", f"invocation/{request_id}/response", '"done"')
        """,
        None,
    ),
}


@pytest.fixture(scope="module")
def good(platform: "Platform") -> str:
    return platform.create(GOOD)


@pytest.fixture(scope="module")
def image(platform: "Platform") -> str:
    """All of them, with a Python to run them."""
    images = Images(platform)
    programs = [entry(f"hostile/{number}", program(source)) for number, (source, _) in enumerate(HOSTILE.values())]
    return images.import_(images.layout(images.python, programs, Entrypoint=["/nothing"]))


@pytest.mark.parametrize("what", HOSTILE)
def test_a_runtime_that(platform: "Platform", good: str, what: str) -> None:
    source, error = HOSTILE[what]
    name = create(platform, package({"bootstrap": program(source)}), Timeout=2 if error == "Sandbox.Timedout" else 60)
    check(platform, name, error, good)


@pytest.mark.parametrize("what", HOSTILE)
def test_an_image_that(platform: "Platform", good: str, image: str, what: str) -> None:
    error, command = HOSTILE[what][1], [executable(), f"/hostile/{list(HOSTILE).index(what)}"]
    images = Images(platform)
    name = images.create(image, ImageConfig={"EntryPoint": command}, Timeout=2 if error == "Sandbox.Timedout" else 60)
    check(platform, name, error, good)


def check(platform: "Platform", name: str, error: str | None, good: str) -> None:
    """It ends as it must, and another does not notice."""
    _, told = invoke(platform, name, {})
    assert (told["errorType"] if error else told) == (error or "done")
    assert invoke(platform, good, {})[1] == "well"
