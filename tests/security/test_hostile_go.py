"""A static program in Go that tries to get out: nothing of a C library stands between it and the kernel.

It is a `bootstrap` in a zip, and the one file of a container image.

Every attempt is made beside a well-behaved function of the same server, which must go on answering; the program itself
lives on and tells what the kernel said. What is refused follows seccomp(2), clone(2), ptrace(2) and the tables in
`sandbox/syscalls`.
"""

import json
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pyseccomp
import pytest
from msgspec import Struct
from tests import compiled
from tests.acceptance import conftest
from tests.acceptance.test_custom_runtimes import create, invoke, package
from tests.images.functions import Images
from tests.images.layouts import entry

from lambent.sandbox import syscalls

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

platform = conftest.platform  # a server of our own

GOOD = "def handler(event, context):\n    return 'well'\n"
REFUSED, MISSING = "operation not permitted", "function not implemented"
OURS = 4711  # where a call wants memory: the program puts a page of its own there
Attempt = Callable[..., Any]


class Maker(Struct, frozen=True):
    """One way of making a function of the program."""

    platform: "Platform"
    image: str = ""

    def make(self) -> str:
        limits: dict[str, Any] = {"MemorySize": 256, "Timeout": 60}
        if not self.image:
            return create(self.platform, package({"bootstrap": compiled.program("go", "escape")}), **limits)
        return Images(self.platform).create(self.image, **limits)


@pytest.fixture(scope="module", params=["zip", "image"])
def maker(platform: "Platform", request: pytest.FixtureRequest) -> Maker:
    if request.param == "zip":
        return Maker(platform)
    images = Images(platform)
    made = images.layout([entry("escape", compiled.program("go", "escape"), 0o755)], Entrypoint=["/escape"])
    return Maker(platform, images.import_(made))


@pytest.fixture(scope="module")
def escapist(maker: Maker) -> str:
    return maker.make()


@pytest.fixture(scope="module")
def good(platform: "Platform") -> str:
    return platform.create(GOOD)


@pytest.fixture
def attempt(platform: "Platform", escapist: str, good: str) -> Iterator[Attempt]:
    """Have one thing tried, and hear what came of it."""

    def tried(do: str, **more: Any) -> Any:
        answer, told = invoke(platform, escapist, {"do": do, **more})
        assert "FunctionError" not in answer, told
        return told

    yield tried
    assert invoke(platform, good, {})[1] == "well"


def number_of(name: str) -> int:
    return int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))


def test_no_call_of_the_tables_of_refusals_is_made(attempt: Attempt) -> None:
    for name in sorted(syscalls.DENIED):
        number = number_of(name)
        if number >= 0:
            assert attempt("call", number=number, args=[OURS] * 5) == REFUSED, name
    assert attempt("call", number=number_of("clone3"), args=[OURS, 88]) == MISSING
    assert attempt("call", number=999_999) == MISSING


@pytest.mark.parametrize("flag", syscalls.CLONE_NAMESPACES, ids=hex)
def test_no_clone_makes_a_namespace(attempt: Attempt, flag: int) -> None:
    assert attempt("clone", number=flag) == REFUSED
    assert attempt("clone", number=flag | 0x10000000 | 0x00020000) == REFUSED  # with NEWUSER and NEWNS


def test_an_ordinary_clone_is_no_crime(attempt: Attempt) -> None:
    assert attempt("clone", number=0) > 1


def test_calls_of_another_architecture_are_refused(attempt: Attempt) -> None:
    assert attempt("x32") in (REFUSED, MISSING)


@pytest.mark.parametrize("family", [3, 17, 21, 29, 31, 38, 40, 44], ids=lambda number: f"family-{number}")
def test_only_ordinary_sockets_are_made(attempt: Attempt, family: int) -> None:
    assert attempt("call", number=number_of("socket"), args=[family, 3, 0]) == REFUSED


def test_raw_sockets_and_other_netlinks_are_refused(attempt: Attempt) -> None:
    raw, number = 3, number_of("socket")
    assert attempt("call", number=number, args=[2, raw, 1]) == REFUSED
    for protocol in (9, 12, 16):  # audit, netfilter, generic
        assert attempt("call", number=number, args=[16, raw, protocol]) == REFUSED


def test_no_right_can_be_gained(attempt: Attempt) -> None:
    pid, uid, effective = attempt("who")
    assert pid > 1
    assert uid == effective != 0
    assert attempt("call", number=number_of("setuid"), args=[0]) == REFUSED
    assert attempt("call", number=number_of("setresuid"), args=[0, 0, 0]) == REFUSED
    keep_capabilities, ambient, raise_one, admin = 8, 47, 2, 21
    attempt("call", number=number_of("prctl"), args=[keep_capabilities, 1])
    assert attempt("call", number=number_of("prctl"), args=[ambient, raise_one, admin, 0, 0]) == REFUSED
    seccomp_off, dumpable = [22, 0], [38, 0]
    assert attempt("call", number=number_of("prctl"), args=seccomp_off) != 0
    assert attempt("call", number=number_of("prctl"), args=[*dumpable, 0, 0, 0]) == "invalid argument"  # no way back


@pytest.mark.parametrize(
    "path",
    [
        *("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger", "/proc/1/mem"),
        *("/sys/fs/cgroup/release_agent", "/sys/kernel/uevent_helper", "/dev/mem", "/dev/kmsg", "/dev/sda"),
        *("/var/task/bootstrap", "/usr/bin/env", "/etc/passwd", "/.lambent/runtime"),
    ],
)
def test_nothing_of_the_host_opens_for_writing(attempt: Attempt, path: str) -> None:
    assert attempt("write", path=path) != "opened"


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/root/.bashrc", "/proc/1/environ", "/proc/kcore", "/proc/kallsyms", "/data/master.key"]
)
def test_secrets_are_not_read(attempt: Attempt, path: str) -> None:
    told = attempt("read", path=path)
    assert told in ("permission denied", "no such file or directory", REFUSED, "") or told.startswith(
        "0000000000000000"
    )


def test_no_other_process_is_within_reach(attempt: Attempt) -> None:
    assert attempt("reach") == []
    assert attempt("patch") in ("permission denied", REFUSED, "no such file or directory")


def test_no_address_of_the_host_answers(attempt: Attempt) -> None:
    """But for the bridge to the platform's own port, which every function has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        neighbour = f"127.0.0.1:{listener.getsockname()[1]}"
        for address in (neighbour, "10.0.0.1:80", "[::1]:22", "169.254.169.254:80"):
            assert attempt("dial", path=address) == "refused", address


def test_children_without_end_end_at_the_limit(platform: "Platform", maker: Maker, good: str) -> None:
    told = invoke(platform, maker.make(), {"do": "forks"})[1]
    assert isinstance(told, dict) or told < 5_000, json.dumps(told)
    assert invoke(platform, good, {})[1] == "well"
