"""What there must be before the first part is started: the data folder, the files that settings name, the socket.

Refuses with words that say what to do: each of these would otherwise fail in a part, which would be started for ever.
"""

import errno
import os
import resource
import socket
from pathlib import Path

from lambent.config import Settings
from lambent.store import folder_lock

SOCKET_PATH_BYTES = 107  # sun_path of unix(7), without the byte that ends it
LEAST_OPEN_FILES = 512  # control begins with 150, and there are six for each environment
CUSTOMERS = ("code", "images")  # unpacked: functions, layers, container images
LONGEST_SOCKET = "run/edge-999.sock"
WRONG_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL)
NOT_HERE = "choose a --host that is an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all"


def check_open_files() -> None:
    """As many files may be open as the parts need.

    Raises:
        OSError: fewer; the message says how to allow more.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < LEAST_OPEN_FILES:
        raise OSError(
            f"a process may have {most} open files here (ulimit -Hn), and a part of Lambent needs {LEAST_OPEN_FILES} "
            "and more; raise it, as by LimitNOFILE=65536 of a systemd unit"
        )


def check_files(settings: Settings) -> None:
    """What settings name is there and can be read.

    Raises:
        OSError: one is not; the message names the flag.
    """
    for flag, path in (
        ("--image-registry-ca", settings.image_registry_ca),
        ("--image-registry-login", settings.image_registry_login),
        ("--tls-certificate", settings.tls_certificate),
        ("--tls-key", settings.tls_key),
    ):
        if path:
            _check_file(flag, Path(path))
    modules = settings.nodejs_modules
    if modules and not Path(modules).is_dir():
        raise OSError(f"--nodejs-modules names a folder that is not there: {modules}")


def _check_file(flag: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise OSError(f"{flag} names a file that cannot be read: {path} ({error.strerror})") from None


def take_data(data: Path) -> int:
    """The lock on the data folder, held while we live.

    Raises:
        OSError: another server runs on it, or it cannot be written.
    """
    if len(os.fsencode(data / LONGEST_SOCKET)) > SOCKET_PATH_BYTES:
        most = SOCKET_PATH_BYTES - len(LONGEST_SOCKET) - 1
        raise OSError(f"the path of the data folder is too long for the sockets in it, which leave {most} bytes to it: "
                      f"{data}; choose a shorter --data")  # fmt: skip
    try:
        return _locked(data)
    except BlockingIOError:
        raise OSError(f"another server runs on {data}; stop it, or choose another --data") from None
    except OSError as error:
        raise OSError(f"the data folder {data} cannot be used: {_why(error)}") from None


def _locked(data: Path) -> int:
    data.mkdir(parents=True, exist_ok=True)
    if os.geteuid() not in (0, data.stat().st_uid):
        raise PermissionError(errno.EPERM, "it belongs to another user", str(data))
    os.chmod(data, 0o711)  # noqa: S103  what is private below it has modes of its own
    lock = folder_lock.hold(data)
    try:
        for name in CUSTOMERS:
            (data / name).mkdir(exist_ok=True)
            os.chmod(data / name, 0o700)  # what is in it, functions read as users of their own, by mounts
        (data / "run").mkdir(exist_ok=True)
        clear_run(data / "run")
    except OSError:
        os.close(lock)
        raise
    return lock


def _why(error: OSError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "a file is in its place; choose another --data"
    if isinstance(error, PermissionError):
        return f"{error.strerror} ({error.filename}); run this as its owner, or choose another --data"
    return f"{error.strerror}; choose another --data"


def clear_run(folder: Path) -> None:
    """Nobody serves what these lead to."""
    for path in (folder / "endpoint.json", *folder.glob("*.sock")):
        path.unlink(missing_ok=True)


def listen(host: str, port: int) -> socket.socket:
    """The socket that all edges accept on.

    Raises:
        OSError: it cannot be had; the message says which flag would help.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(4096)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        wrong_host = isinstance(error, socket.gaierror) or error.errno in WRONG_ADDRESS
        advice = NOT_HERE if wrong_host else "choose another --port"
        raise OSError(f"cannot listen on {host}:{port} ({error.strerror}); {advice}") from None
    return listener
