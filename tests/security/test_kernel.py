"""The kernel's interfaces: system calls, privileges, /proc and what hangs on them."""

import errno
import platform
from typing import TYPE_CHECKING

import pyseccomp
import pytest

from lambent.sandbox import syscalls

if TYPE_CHECKING:
    from tests.security.conftest import Edge, Function

CALL = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(each) for each in arguments))
    return errno.errorcode.get(ctypes.get_errno(), "?") if result == -1 else "done"
"""


def number_of(name: str) -> int:
    return int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))


async def test_every_denied_call_is_refused(edge: "Edge", neighbour: "Function") -> None:
    numbers = {name: number_of(name) for name in sorted(syscalls.DENIED)}
    numbers = {name: number for name, number in numbers.items() if number >= 0}
    assert len(numbers) > 60
    source = (
        CALL + "def handler(numbers, context): return {name: call(n, 0, 0, 0, 0, 0, 0) for name, n in numbers.items()}"
    )
    assert await edge.run(source, numbers) == dict.fromkeys(numbers, "EPERM")


async def test_a_call_that_no_table_names_does_not_exist(edge: "Edge") -> None:
    source = CALL + "def handler(numbers, context): return [call(n, 0, 0, 0, 0, 0, 0) for n in numbers]"
    assert await edge.run(source, [number_of("clone3"), 460, 999]) == ["ENOSYS"] * 3


@pytest.mark.parametrize("flag", syscalls.CLONE_NAMESPACES, ids=hex)
async def test_no_namespace_can_be_made(edge: "Edge", flag: int) -> None:
    source = CALL + "def handler(e, c): return [call(*each) for each in e]"
    sigchld = 17
    calls = [[number_of("clone"), flag | sigchld, 0, 0, 0, 0], [number_of("unshare"), flag]]
    assert await edge.run(source, calls) == ["EPERM", "EPERM"]


async def test_dangerous_arguments_of_allowed_calls_are_refused(edge: "Edge") -> None:
    source = (
        CALL
        + """
import socket
def handler(event, context):
    sockets, ioctls, personalities = event
    families = {}
    for family in range(46):
        for high in (0, 1 << 32):
            families.setdefault(call(sockets, family | high, 2, 0), set()).add(family)
    answers = {name: sorted(found) for name, found in families.items()}
    answers["netlink"] = [call(sockets, 16, 3, protocol) for protocol in range(1, 23)]
    answers["ioctl"] = [call(ioctls, 0, request | high, 0) for request in (0x5412, 0x541C) for high in (0, 1 << 32)]
    answers["personality"] = [call(personalities, each) for each in (0x0040000, 0x0400000, 0)]
    return answers
"""
    )
    answers = await edge.run(source, [number_of("socket"), number_of("ioctl"), number_of("personality")])
    assert set(answers.pop("netlink")) == {"EPERM"}
    assert answers.pop("ioctl") == ["EPERM"] * 4
    assert answers.pop("personality") == ["ENOSYS", "ENOSYS", "done"]
    assert answers.pop("done") == [1, 2, 10, 16]
    assert set(answers) == {"EPERM"}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the other doors into the kernel are x86_64's")
async def test_the_kernels_32_bit_doors_are_shut(edge: "Edge", neighbour: "Function") -> None:
    child = """
import ctypes, mmap, sys
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes.fromhex(sys.argv[1]))
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))())
"""
    source = f"""
import subprocess, sys
def handler(codes, context):
    ran = [subprocess.run([sys.executable, "-c", {child!r}, code], capture_output=True, text=True) for code in codes]
    return [int(each.stdout) if each.returncode == 0 else each.returncode for each in ran]
"""
    getpid_i386 = "b814000000cd80c3"  # mov eax, 20; int 0x80; ret
    getpid_x32 = "b8270000400f05c3"  # mov eax, 0x40000027; syscall; ret
    getpid = "b8270000000f05c3"
    i386, x32, native = await edge.run(source, [getpid_i386, getpid_x32, getpid])
    assert i386 == -errno.EPERM or i386 == -11, "refused, or the kernel has no such door"
    assert x32 == -errno.EPERM
    assert native > 1


async def test_no_capability_is_left_and_none_can_be_gained(edge: "Edge") -> None:
    source = """
import errno, os, subprocess
def handler(event, context):
    lines = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
    def attempt(action, *arguments):
        try: action(*arguments)
        except PermissionError: return "refused"
        except OSError as error: return "refused" if error.errno == errno.EINVAL else str(error)  # no such id
        return "done"
    attempts = [attempt(os.setuid, 0), attempt(os.setgid, 0), attempt(os.setgroups, [0]), attempt(os.nice, -5),
                attempt(os.chroot, "/tmp"), attempt(os.chown, "/tmp", 0, 0)]
    names = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters"]
    return {name: int(lines[name], 16) for name in names}, attempts
"""
    status, attempts = await edge.run(source)
    assert status == {
        **dict.fromkeys(["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"], 0),
        "NoNewPrivs": 1,
        "Seccomp": 2,
        "Seccomp_filters": 2,
    }
    assert attempts == ["refused"] * 6


async def test_sysctls_and_switches_of_the_kernel_cannot_be_written(edge: "Edge", neighbour: "Function") -> None:
    source = """
import errno, os
def attempt(path):
    try:
        with open(path, "w") as file: file.write("1")
    except OSError as error: return errno.errorcode[error.errno]
    return "done"
def handler(paths, context):
    writable = []
    for top, folders, names in os.walk("/proc/sys"):
        writable += [os.path.join(top, name) for name in names if attempt(os.path.join(top, name)) == "done"]
    return {path: attempt(path) for path in paths}, writable
"""
    paths = [
        "/proc/sysrq-trigger",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/vm/drop_caches",
        "/proc/irq/default_smp_affinity",
    ]
    answers, writable = await edge.run(source, paths)
    assert set(answers.values()) <= {"EACCES", "EROFS", "ENOENT"}, answers
    assert writable == []


async def test_what_the_kernel_tells_of_the_host_is_masked(edge: "Edge") -> None:
    source = """
import os
def read(path):
    try:
        if os.path.isdir(path): return os.listdir(path)
        with open(path, "rb") as file: return file.read(100).decode("latin-1")
    except OSError: return ""
def handler(paths, context): return {path: read(path) for path in paths if read(path)}
"""
    names = ["kcore", "keys", "kallsyms", "kmsg", "timer_list", "modules", "cmdline", "config.gz", "interrupts"]
    names += ["iomem", "scsi", "acpi"]
    assert await edge.run(source, [f"/proc/{name}" for name in names]) == {}


async def test_cgroups_and_sysfs_are_not_there(edge: "Edge") -> None:
    source = """
import os
def handler(event, context):
    borrowed = ("/null", "/zero", "/full", "/random", "/urandom")  # an ordinary user's, from the host's /dev
    mounts = [line.split(" - ") for line in open("/proc/self/mountinfo")]
    kinds = {right.split()[0] for left, right in mounts if left.split()[3] not in borrowed}
    lines = [line.strip().split(":", 2) for line in open("/proc/self/cgroup")]
    groups = {path for _, controller, path in lines if controller in ("memory", "pids", "cpu", "")}
    special = {"cgroup", "cgroup2", "sysfs", "devtmpfs", "debugfs", "securityfs", "devpts", "mqueue"}
    return sorted(kinds & special), sorted(groups)
"""
    kinds, groups = await edge.run(source)
    assert kinds == []
    assert groups == ["/"] or not edge.agent.has_groups


async def test_no_program_can_be_given_to_the_kernel(edge: "Edge", neighbour: "Function") -> None:
    """Linux's bpf_jit_limit is one for the whole host: whoever uses it up keeps every other sandbox from starting."""
    source = """
import ctypes, errno, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
PROGRAM = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))  # "allow"
PLACE = struct.pack("@HP", 1, ctypes.addressof(PROGRAM))
def told(result): return "done" if result == 0 else errno.errorcode[ctypes.get_errno()]
def attach(option):
    try: socket.socket(type=socket.SOCK_DGRAM).setsockopt(socket.SOL_SOCKET, option, PLACE)
    except OSError as error: return errno.errorcode[error.errno]
    return "done"
def handler(seccomp, context):
    filters = [told(libc.prctl(22 | high, 2, PLACE, 0, 0)) for high in (0, 1 << 32)]
    called = told(libc.syscall(ctypes.c_long(seccomp), 1, 0, PLACE))
    return filters, called, [attach(option) for option in (26, 51)]
"""
    assert await edge.run(source, number_of("seccomp")) == [["EINVAL"] * 2, "ENOSYS", ["EPERM"] * 2]


async def test_pages_that_the_host_has_set_aside_are_out_of_reach(edge: "Edge") -> None:
    source = """
import ctypes, errno, mmap, os
def attempt(action, *arguments, **options):
    try: action(*arguments, **options)
    except OSError as error: return errno.errorcode[error.errno]
    return "done"
def handler(event, context):
    MAP_HUGETLB, MFD_HUGETLB, SIZE = 0x40000, 4, 2 << 20
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    mapped = [attempt(mmap.mmap, -1, SIZE, flags=each) for each in (flags, flags | MAP_HUGETLB)]
    return mapped, attempt(os.memfd_create, "huge", MFD_HUGETLB)
"""
    mapped, file = await edge.run(source)
    assert mapped == ["done", "EPERM"]
    assert file == "EPERM"
