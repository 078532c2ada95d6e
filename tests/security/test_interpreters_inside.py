"""Every interpreter of this host serves functions from inside the same walls."""

from typing import TYPE_CHECKING

import pytest

from lambent.sandbox.interpreters import find_runtimes

if TYPE_CHECKING:
    from tests.security.conftest import Edge, Function

SOURCE = """
import ctypes, hashlib, json, os, pwd, sqlite3, ssl, sys, urllib.request, zoneinfo
def handler(event, context):
    context_has = ssl.create_default_context().cert_store_stats()["x509_ca"] >= 0
    return sys.version.split()[0], sys.executable, pwd.getpwuid(os.getuid()).pw_name, os.getcwd(), context_has
"""


@pytest.mark.parametrize("runtime", sorted(find_runtimes()))
async def test_a_function_runs_on(edge: "Edge", neighbour: "Function", runtime: str) -> None:
    if runtime not in edge.agent.runtimes():
        pytest.skip(f"an ordinary user has no {runtime} here")
    version = ".".join(map(str, edge.agent.runtimes()[runtime].version))
    executable = f"/var/lang/bin/{runtime}"
    assert await edge.run(SOURCE, runtime=runtime) == [version, executable, "sbx_user1051", "/var/task", True]


async def test_a_runtime_without_an_interpreter_is_refused_by_name(edge: "Edge") -> None:
    with pytest.raises(Exception, match=r"python3\.99 .* --runtime-fallback"):
        await edge.run(SOURCE, runtime="python3.99")
