"""The system calls behind a sandbox, made by the process that will live inside it.

Knows: Linux's calls for namespaces, mounts, privileges and system call filters, through ctypes,
because `os` has most of them only from Python 3.12 on. Does not know: what a function is, which
folders it sees, or who asked; `zygote.py` decides the order.

Every call that fails raises OSError, so that a sandbox with a missing wall never runs. Standard
library only, Python 3.9 and newer. Numbers are those of <linux/sched.h>, <linux/mount.h>,
<linux/prctl.h>, <linux/capability.h> and <linux/seccomp.h>, the same on every architecture unless said.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import socket
import struct

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x20000000, 0x40000000
CLONE_NEWUSER = 0x10000000
CLONE_FS = 0x00000200

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 4, 22, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 36, 38, 47
_PR_CAP_AMBIENT_CLEAR_ALL, _SECCOMP_MODE_FILTER, _SIGKILL = 4, 2, 9
CAP_KILL = 5
_CAPABILITY_VERSION_3, _HIGHEST_CAPABILITY = 0x20080522, 63
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_FILTER_INSTRUCTION_BYTES = 8
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CLONE = {"x86_64": 56, "aarch64": 220}
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_OPEN_TREE, _MOVE_MOUNT = 428, 429
_OPEN_TREE_CLONE, _FROM_EMPTY_PATH, _AT_EMPTY_PATH, _MOUNT_ATTR_IDMAP = 1, 4, 0x1000, 0x100000
_SIGCHLD = 17
_LOCKABLE = 15  # MS_RDONLY to MS_NOEXEC, which statvfs calls by the same numbers

_libc = ctypes.CDLL(None, use_errno=True)
_keeping_the_interpreter = ctypes.PyDLL(None, use_errno=True)


class _FilterProgram(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` names for new ones."""
    _checked(_libc.unshare(ctypes.c_int(flags)), f"unshare {flags:#x}")


def fork_into_pid_namespace() -> int:
    """fork(2) whose child is the first process of a new PID namespace, without what Python and the libc do around it.

    unshare(2) would move all later children too, and the way back needs rights over the namespace we came from,
    which an ordinary user has not. What Python does would cost the child a hundred pages of its own.

    Only for a parent of one thread, and for a child that runs no code but ours: what is repaired after a fork (locks,
    random numbers, the thread's own id, so that abort(3) signals another) stays as the parent has it until an
    `os.fork` follows.
    """
    return _fork_into(CLONE_NEWPID)


def fork_into_user_namespace() -> int:
    """The same for a new user namespace, which is there when this returns, before the child has run."""
    return _fork_into(CLONE_NEWUSER)


def fork_sharing_folder() -> int:
    """The same within our namespaces, for a child that has our working directory, also when one of us changes it
    (clone(2), CLONE_FS) and whatever it executes."""
    return _fork_into(CLONE_FS)


def _fork_into(how: int) -> int:
    flags, none = ctypes.c_ulong(how | _SIGCHLD), ctypes.c_void_p()
    number = ctypes.c_long(_CLONE[os.uname().machine])
    return _checked(_keeping_the_interpreter.syscall(number, flags, none, none, none, none), "clone")


def enter_user_namespace(uid: int) -> None:
    """A user namespace of our own in which we are `uid`, with no right over anything outside it."""
    owner, group = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {owner} 1"), ("gid_map", f"{uid} {group} 1")):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2); an empty `kind` or `options` is a null pointer."""
    done = _libc.mount(
        source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode() or None
    )
    _checked(done, f"mount {kind or source} on {target}")


def bind_read_only(source: str, target: str, flags: int = 0) -> None:
    """Show `source` at `target` so that nobody can write through it, gain a uid, or open a device."""
    mount(source, target, flags=MS_BIND)
    wanted = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | flags
    try:
        mount("none", target, flags=wanted)
    except PermissionError:  # in a user namespace what the host forbids on this mount stays forbidden
        mount("none", target, flags=wanted | os.statvfs(target).f_flag & _LOCKABLE)


def bind_whole(source: str, target: str) -> None:
    """Show `source` at `target` with all that is mounted below it, as it is."""
    mount(source, target, flags=MS_BIND | MS_REC)


def bind_device(source: str, target: str) -> None:
    """Show the device `source` at `target`, to be used and not to be run."""
    mount(source, target, flags=MS_BIND)
    kept = os.statvfs(target).f_flag & MS_RDONLY
    mount("none", target, flags=MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NOEXEC | kept)


def set_read_only_below(target: str) -> None:
    """What `bind_read_only` does to one mount, for all at and below `target` (Linux 5.12)."""
    attributes = struct.pack("=QQQQ", MS_RDONLY | MS_NOSUID | MS_NODEV, 0, 0, 0)  # MOUNT_ATTR_ has the same bits
    number, place = ctypes.c_long(_MOUNT_SETATTR), ctypes.c_int(_AT_FDCWD)
    words = (place, target.encode(), ctypes.c_uint(_AT_RECURSIVE), attributes, ctypes.c_size_t(len(attributes)))
    _checked(_libc.syscall(number, *words), f"mount_setattr {target}")


def open_tree(source: str, *, whole: bool) -> int:
    """A mount of the folder `source` that is nowhere yet, with what is mounted below it if `whole` (Linux 5.2)."""
    flags = ctypes.c_uint(_OPEN_TREE_CLONE | os.O_CLOEXEC | (_AT_RECURSIVE if whole else 0))
    words = (ctypes.c_long(_OPEN_TREE), ctypes.c_int(_AT_FDCWD), source.encode(), flags)
    return _checked(_libc.syscall(*words), f"open_tree {source}")


def set_mount(mount: int, flags: int) -> None:
    """Forbid what `flags` names (MS_RDONLY, MS_NOSUID, MS_NODEV) on such a mount and all below it (Linux 5.12)."""
    _set_attributes(mount, _AT_EMPTY_PATH | _AT_RECURSIVE, flags, 0)


def map_owners(mount: int, users: int) -> None:
    """Show the owners of files on such a mount as the user namespace `users` maps them (Linux 5.12)."""
    _set_attributes(mount, _AT_EMPTY_PATH, _MOUNT_ATTR_IDMAP, users)


def _set_attributes(mount: int, how: int, wanted: int, users: int) -> None:
    attributes = struct.pack("=QQQQ", wanted, 0, 0, users)  # MOUNT_ATTR_ has the bits of the first MS_
    words = (ctypes.c_int(mount), b"", ctypes.c_uint(how), attributes, ctypes.c_size_t(len(attributes)))
    _checked(_libc.syscall(ctypes.c_long(_MOUNT_SETATTR), *words), "mount_setattr")


def move_mount(mount: int, target: str) -> None:
    """Put such a mount at `target`."""
    words = (ctypes.c_int(mount), b"", ctypes.c_int(_AT_FDCWD), target.encode(), ctypes.c_uint(_FROM_EMPTY_PATH))
    _checked(_libc.syscall(ctypes.c_long(_MOVE_MOUNT), *words), f"move_mount {target}")


def detach(target: str) -> None:
    """Take the mount at `target`, and all below it, out of this namespace."""
    _checked(_libc.umount2(target.encode(), ctypes.c_int(MNT_DETACH)), f"umount {target}")


def make_mounts_private() -> None:
    """No mount made from here on reaches another namespace, nor the other way."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def pivot_into(root: str) -> None:
    """Make the mount at `root` the root of this namespace and let go of the old one."""
    os.chdir(root)
    number = _PIVOT_ROOT[os.uname().machine]
    _checked(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    detach(".")
    os.chdir("/")


def die_with_parent(parent: int) -> None:
    """Be killed when `parent` dies; if it is dead already, end now.

    The kernel ties this to the parent's thread, so a parent must fork from a thread that stays.
    """
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0), "prctl PDEATHSIG")
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Descendants whose parent dies become children of this process, as PID 1 would have them."""
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl CHILD_SUBREAPER")


def set_dumpable(dumpable: bool) -> None:
    """Whether a process of the same uid may look into this one."""
    _checked(_libc.prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0), "prctl DUMPABLE")


def bring_up_loopback() -> None:
    """`ip link set lo up` in this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def close_from(first: int) -> None:
    """Close every descriptor from `first` on."""
    try:
        done = _libc.close_range(ctypes.c_uint(first), ctypes.c_uint(0xFFFFFFFF), ctypes.c_int(0))
    except AttributeError:  # a libc older than the call (glibc 2.34)
        done = -1
    if done < 0:
        for name in os.listdir("/proc/self/fd"):
            if int(name) >= first:
                _close_if_open(int(name))


def _close_if_open(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # the descriptor of the listing itself is gone by now
        os.close(descriptor)


def limit(kind: int, value: int) -> None:
    """Set both the soft and the hard limit, never above the hard limit we were given."""
    _, hard = resource.getrlimit(kind)
    allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (allowed, allowed))


def drop_bounding_set() -> None:
    """No exec from here on can give back a capability; needs CAP_SETPCAP, so it comes before `become`."""
    for capability in range(_HIGHEST_CAPABILITY + 1):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break  # EINVAL: the kernel knows no capability of this number or above
    _checked(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl CAP_AMBIENT")


def drop_capabilities(*, but: int = -1) -> None:
    """Give up every capability that this process has; `but`, one of the first 32, stays."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    kept = 0 if but < 0 else 1 << but
    _checked(_libc.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0)), "capset")


def become(uid: int) -> None:
    """Turn into the user `uid` for good: no groups, and what the kernel ties to uid 0 is gone."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    set_dumpable(True)  # or it could not open its own /proc/self files, as it can on AWS


def gain_no_privileges() -> None:
    """From here on no exec gives more rights: set-uid bits and file capabilities mean nothing."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl NO_NEW_PRIVS")


def filter_system_calls(program: bytes) -> None:
    """Put this process, and all that it starts, under a compiled BPF filter; there is no way back."""
    count = len(program) // _FILTER_INSTRUCTION_BYTES
    argument = ctypes.byref(_FilterProgram(count, program))
    _checked(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, argument, 0, 0), "prctl SECCOMP")
