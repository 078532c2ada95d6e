"""The system call filters: what a function's processes may ask the kernel for.

Two, of which the kernel obeys the stricter. The first is an allow-list: what is not on it answers
ENOSYS, as on a kernel that is older than the call, so that libraries fall back; what a program
asks for only in order to get out answers EPERM. The second refuses allowed calls by their
arguments; it is apart because libseccomp lets an unconditional rule swallow conditional ones.
Compiled by libseccomp once per agent into BPF, which `tenant` loads as its last step.

Sources: the calls are Linux's for x86_64 and aarch64 (asm/unistd.h); what is dangerous follows
seccomp(2) and the man page of each. Why an allow-list: docs/decisions/0005-sandbox.md.
"""

import errno
import os
import tempfile

import pyseccomp as seccomp

from lambent.sandbox import syscalls

UNKNOWN_SYSCALL = -1
_LOW_32_BITS = 0xFFFFFFFF
_BINARY_TREE = 2  # not a list: the kernel walks it for every call when it loads the filter


def compile_filters(*, hidden_memory: bool = True) -> list[bytes]:
    """The filters as BPF for this machine's own architecture; calls of any other are refused.

    Without `hidden_memory` a function cannot hold memory that is not seen in its processes: there the limit of
    memory is kept by looking at them (`watched_memory`).

    Raises:
        OSError: the host's libseccomp is too old to say it.
    """
    return [
        _exported(_by_name(syscalls.ALLOWED - (frozenset() if hidden_memory else syscalls.HIDDEN_MEMORY))),
        _exported(_by_argument()),
    ]


def _new(default: int) -> seccomp.SyscallFilter:
    rules = seccomp.SyscallFilter(default)
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.ERRNO(errno.EPERM))
    rules.set_attr(seccomp.Attr.CTL_OPTIMIZE, _BINARY_TREE)
    return rules


def _by_name(allowed: frozenset[str]) -> seccomp.SyscallFilter:
    rules = _new(seccomp.ERRNO(errno.ENOSYS))
    for name in filter(_exists, allowed):
        rules.add_rule(seccomp.ALLOW, name)
    for name in filter(_exists, syscalls.DENIED):
        rules.add_rule(seccomp.ERRNO(errno.EPERM), name)
    for persona in syscalls.PERSONALITIES:
        rules.add_rule(seccomp.ALLOW, "personality", seccomp.Arg(0, seccomp.EQ, persona))
    return rules


def _by_argument() -> seccomp.SyscallFilter:
    """The kernel reads 32 bits of these arguments, so no comparison may be fooled by the upper ones."""
    rules, refuse = _new(seccomp.ALLOW), seccomp.ERRNO(errno.EPERM)
    for flag in syscalls.CLONE_NAMESPACES:
        rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for request in syscalls.TERMINAL_INJECTIONS:
        rules.add_rule(refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, _LOW_32_BITS, request))
    highest = max(syscalls.SOCKET_FAMILIES)
    for family in set(range(highest)) - set(syscalls.SOCKET_FAMILIES):
        rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.EQ, family))
    rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.GT, highest))
    other_netlink = seccomp.Arg(2, seccomp.NE, syscalls.NETLINK_ROUTE)
    rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.EQ, syscalls.AF_NETLINK), other_netlink)
    _refuse_what_no_limit_counts(rules)
    return rules


def _refuse_what_no_limit_counts(rules: seccomp.SyscallFilter) -> None:
    """Programs for the kernel, the filters of a function's own among them, and huge pages."""
    refuse, unknown = seccomp.ERRNO(errno.EPERM), seccomp.ERRNO(errno.EINVAL)
    mode = seccomp.Arg(1, seccomp.MASKED_EQ, _LOW_32_BITS, syscalls.SECCOMP_MODE_FILTER)
    rules.add_rule(unknown, "prctl", seccomp.Arg(0, seccomp.MASKED_EQ, _LOW_32_BITS, syscalls.PR_SET_SECCOMP), mode)
    socket_level = seccomp.Arg(1, seccomp.MASKED_EQ, _LOW_32_BITS, syscalls.SOL_SOCKET)
    for option in syscalls.SOCKET_PROGRAMS:
        rules.add_rule(refuse, "setsockopt", socket_level, seccomp.Arg(2, seccomp.MASKED_EQ, _LOW_32_BITS, option))
    for name, place, flag in (("mmap", 3, syscalls.MAP_HUGETLB), ("memfd_create", 1, syscalls.MFD_HUGETLB)):
        rules.add_rule(refuse, name, seccomp.Arg(place, seccomp.MASKED_EQ, flag, flag))


def _exists(name: str) -> bool:
    try:
        return bool(seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) != UNKNOWN_SYSCALL)
    except (OSError, ValueError):
        return False


def _exported(rules: seccomp.SyscallFilter) -> bytes:
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return file.read()
