"""What every environment of one interpreter sees of the host, as a plan of mounts and files.

Pure: it looks at the host and writes steps, which `runtimes/python/doorway.py` carries out inside a
new mount namespace. What is not named here does not exist in a sandbox: no home, no /root, no data
directory, no /var, /run or /sys of the host, and of /etc only what programs need to run.

The layout is that of AWS's images: the interpreter at /var/lang, the runtime at /var/runtime, the
code at /var/task, layers at /opt, a /dev without /dev/shm. Source: behaviours sections 11 and 12.
"""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent.file_systems import FileSystem
from lambent.sandbox.interpreters import Interpreter

HIDDEN = "/.lambent"  # for the privileged steps only; `tenant` takes it out before a function runs
LENT = HIDDEN + "/lent"
LANGUAGE = "/var/lang"
MS_NODEV, MS_NOEXEC = 4, 8
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# Of the host's /etc, files and folders that hold no secret and that libraries read.
ETC_COPIED = ("ld.so.cache", "ld.so.conf", "mime.types", "protocols", "services", "os-release", "rpc")
ETC_BOUND = ("alternatives", "fonts", "ssl/certs", "pki/tls/certs", "pki/ca-trust/extracted", "ld.so.conf.d")
ETC_TEXTS = {
    "passwd": "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost sandbox sandbox.localdomain\n::1 localhost\n",
    # Where nobody answers there (no egress), names other than those of /etc/hosts fail at once.
    "resolv.conf": "nameserver 127.0.0.1\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    "gai.conf": "",
}
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
DESCRIPTOR_LINKS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
# Found by glob below /usr and the interpreter: third-party packages of the host, and its sources.
MASKED = ("lib*/python3*/site-packages", "lib*/python3*/dist-packages", "local", "src")
MOUNT_POINTS = ("proc", "tmp", "opt/lib", "var/task/lib", "var/runtime", "home", "root", "run", "sys", "mnt", "var/tmp")

# The search path of AWS's Python runtimes. The folders must exist when the zygote starts: the
# dynamic linker remembers those that do not, and never looks there again.
LIBRARY_PATH = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"

# Where a root whose language is not Python keeps the interpreter and the code of the zygote.
HIDDEN_LANGUAGE, HIDDEN_RUNTIME = HIDDEN + "/python", HIDDEN + "/runtime"

Step = list[Any]


class GuestRoot(Struct, frozen=True):
    """What functions of another language than Python see: `prefix` at /var/lang, `runtime_folder` at /var/runtime,
    `binds`, each a path inside and one of the host, and `links`, each a path inside and where it leads."""

    prefix: str
    runtime_folder: str
    binds: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()


def plan(
    interpreter: Interpreter,
    code: Path,
    runtime_folder: Path,
    lent: Iterable[FileSystem] = (),
    *,
    host_root: bool,
    guest: GuestRoot | None = None,
) -> list[Step]:
    """The steps that build the base root for `interpreter`, by the host's root or by that of a user namespace. With
    a `guest` the interpreter is where no function sees it."""
    prefix = interpreter.prefix if guest is None else guest.prefix
    return [
        ["tmpfs", "/", "mode=755,size=16m"],
        *_system(),
        *_etc(),
        *_devices(host_root=host_root),
        *(["folder", f"/{name}", 0o755] for name in MOUNT_POINTS),
        ["bind", LANGUAGE, prefix],
        ["bind", "/var/runtime", str(runtime_folder) if guest is None else guest.runtime_folder],
        *_hidden(code),
        # One that is not there is missed by the functions that mount it, and by no others.
        *(["lend", f"{LENT}/{each.place}", str(each.path), host_root] for each in lent if each.path.is_dir()),
        *([] if guest is None else _hidden_python(interpreter, runtime_folder)),
        *([] if host_root else [["process_files", HIDDEN + "/proc"]]),
        *_masks(prefix),
        *([] if guest is None else _special(guest)),  # behind the masks: a language may be at home in /usr/local
        ["seal", "/dev", MS_NOEXEC],
        ["seal", "/", MS_NODEV],
    ]


def _system() -> Iterator[Step]:
    yield ["bind", "/usr", "/usr"]
    for name in MERGED:
        path = Path("/") / name
        if path.is_symlink():
            yield ["link", f"/{name}", os.readlink(path)]
        elif path.is_dir():
            yield ["bind", f"/{name}", f"/{name}"]


def _etc() -> Iterator[Step]:
    yield ["folder", "/etc", 0o755]
    for name, text in ETC_TEXTS.items():
        yield ["text", f"/etc/{name}", text]
    for name in ETC_COPIED:
        if Path("/etc", name).is_file():
            yield ["copy", f"/etc/{name}", f"/etc/{name}"]
    for name in ETC_BOUND:
        if Path("/etc", name).is_dir():
            yield ["bind", f"/etc/{name}", os.path.realpath(f"/etc/{name}")]
    yield ["link", "/etc/localtime", "/usr/share/zoneinfo/UTC"]


def _devices(*, host_root: bool) -> Iterator[Step]:
    yield ["tmpfs", "/dev", "mode=755,size=64k"]
    for name, (major, minor) in DEVICES.items():
        yield ["node", f"/dev/{name}", major, minor] if host_root else ["device", f"/dev/{name}", f"/dev/{name}"]
    for name, tail in DESCRIPTOR_LINKS.items():
        yield ["link", f"/dev/{name}", f"/proc/self/fd{tail}"]


def _hidden(code: Path) -> Iterator[Step]:
    yield ["tmpfs", HIDDEN, "mode=700,size=16m"]
    yield ["folder", HIDDEN + "/scratch", 0o700]
    yield ["folder", HIDDEN + "/empty", 0o555]
    yield ["folder", HIDDEN + "/root", 0o755]  # where an image's root is put before it is stepped into
    yield ["bind", HIDDEN + "/code", str(code)]


def _special(guest: GuestRoot) -> Iterator[Step]:
    for inside, outside in guest.binds:
        yield ["bind", inside, outside]
    for inside, target in guest.links:
        yield ["link", inside, target]


def _hidden_python(interpreter: Interpreter, runtime_folder: Path) -> Iterator[Step]:
    yield ["bind", HIDDEN_LANGUAGE, interpreter.prefix]
    yield ["bind", HIDDEN_RUNTIME, str(runtime_folder)]


def _masks(prefix: str) -> Iterator[Step]:
    for inside, outside in (("/usr", "/usr"), (LANGUAGE, prefix)):
        patterns = [pattern for pattern in MASKED if outside == "/usr" or pattern.startswith("lib")]
        for path in (found for pattern in patterns for found in glob.glob(f"{outside}/{pattern}")):
            if os.path.isdir(path) and not os.path.islink(path):
                yield ["mask", inside + path.removeprefix(outside)]
