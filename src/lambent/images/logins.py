"""The name and password for a registry, out of a Docker configuration file.

As Docker looks: the helper program for this very host (`credHelpers`), the one for all hosts (`credsStore`), the file's
own entries (`auths`). A helper is `docker-credential-NAME` on the server's PATH; it is told the host on its standard
input.

Source: Docker's command line reference, "docker login" (credential stores, helpers and their protocol).
"""

import base64
import binascii
import re
import shutil
import subprocess
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from lambent.images.api import ImageError

HELPER_S = 30.0
NOT_FOUND = "credentials not found"  # a helper's words for a host that it does not know
TOKEN_USER = "<token>"  # noqa: S105 - the name that says what the secret is
T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class _Auth(Struct):
    auth: str = ""
    username: str = ""
    password: str = ""


class _DockerFile(Struct):
    auths: dict[str, _Auth] = {}
    cred_helpers: dict[str, str] = msgspec.field(name="credHelpers", default_factory=dict)
    creds_store: str = msgspec.field(name="credsStore", default="")


class _Told(Struct, rename="pascal"):
    username: str = ""
    secret: str = ""


def login_of(file: str, host: str) -> str:
    """The name and password for `host` in base64; "" for none, or where there is no `file`.

    Raises:
        ImageError: the file cannot be read, or the helper program cannot be used.
    """
    if not file:
        return ""
    try:
        kept = msgspec.json.decode(Path(file).read_bytes(), type=_DockerFile)
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        raise _refused(str(error)) from error
    helper = _entry(kept.cred_helpers, host) or kept.creds_store
    found = _asked(helper, host) if helper else ""
    return found or _own(_entry(kept.auths, host) or _Auth())


def _entry(entries: dict[str, T], host: str) -> T | None:
    """Docker writes hosts, and sometimes addresses: https://HOST/v1/."""
    return next((each for name, each in entries.items() if _host(name) == host), None)


def _host(name: str) -> str:
    return name.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _own(auth: _Auth) -> str:
    if not auth.auth:
        return _encoded(auth.username, auth.password) if auth.username else ""
    try:
        base64.b64decode(auth.auth, validate=True)
    except (ValueError, binascii.Error) as error:
        raise _refused(str(error)) from error
    return auth.auth


def _asked(name: str, host: str) -> str:
    program = shutil.which(f"docker-credential-{name}") if _NAME.fullmatch(name) else None
    if program is None:
        raise _refused(f"there is no program docker-credential-{name[:80]} on the server's PATH")
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own file names it
            [program, "get"], input=host.encode(), capture_output=True, timeout=HELPER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(str(error)) from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        if NOT_FOUND in said:
            return ""
        raise _refused(f"{program} failed: {said[:200]}")
    try:
        told = msgspec.json.decode(done.stdout, type=_Told)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _refused(f"the answer of {program}: {error}") from error
    if told.username == TOKEN_USER:
        raise _refused(f"{program} has an identity token, not a name and password")
    return _encoded(told.username, told.secret)


def _encoded(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def _refused(why: str) -> ImageError:
    return ImageError("denied", f"the registry credentials cannot be read: {why}")
