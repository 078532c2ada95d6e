"""A registry of the host's (`docker-registry`) on loopback, and pushing into it."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
from tests.images.layouts import Layout

from lambent.gateway.http.certificates import make_authority, make_server

CONFIGURATION = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"{tls}}}
{login}"""
NAME, PASSWORD = "puller", "secret"
HASHED = "$2b$04$rfD18r0EdiNmXZPgIsoVteMSKitJf3uLlnIulJP5UGwRsLuhIG3TW"  # bcrypt, the one form that it reads
WITH_LOGIN = "auth: {{htpasswd: {{realm: tests, path: {}/htpasswd}}}}\n"


class Guarded:
    """A registry with TLS, whose certificate `trust` has signed, and with a name and password."""

    def __init__(self, folder: Path) -> None:
        self.trust, self.certificate = folder / "authority.pem", folder / "registry.pem"
        now_s = time.time()
        authority = make_authority(now_s)
        self.trust.write_bytes(authority[authority.index(b"-----BEGIN CERTIFICATE") :])
        self.certificate.write_bytes(make_server(authority, ["127.0.0.1"], now_s))
        (folder / "htpasswd").write_text(f"{NAME}:{HASHED}\n")


@contextmanager
def running(folder: Path, port: int, guarded: Guarded | None = None) -> Iterator[str]:
    """Its host and port, while it runs. Skips where there is none."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if program is None:
        pytest.skip("no registry is here: apt-get install docker-registry")
    tls = f", tls: {{certificate: {guarded.certificate}, key: {guarded.certificate}}}" if guarded else ""
    login = WITH_LOGIN.format(folder) if guarded else ""
    text = CONFIGURATION.format(folder=folder / "registry", port=port, tls=tls, login=login)
    (folder / "registry.yml").write_text(text)
    nothing = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {"PATH": os.environ["PATH"]}}
    with subprocess.Popen([program, "serve", folder / "registry.yml"], **nothing) as process:  # type: ignore[call-overload]
        try:
            _wait_ready(_pool(guarded), _base(f"127.0.0.1:{port}", guarded))
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


def _pool(guarded: Guarded | None) -> urllib3.PoolManager:
    if guarded is None:
        return urllib3.PoolManager()
    headers = urllib3.make_headers(basic_auth=f"{NAME}:{PASSWORD}")
    return urllib3.PoolManager(ca_certs=str(guarded.trust), headers=headers)


def _base(host: str, guarded: Guarded | None) -> str:
    return f"{'https' if guarded else 'http'}://{host}/v2/"


def _wait_ready(pool: urllib3.PoolManager, url: str) -> None:
    deadline_s = time.monotonic() + 20
    while True:
        try:
            pool.request("GET", url, retries=False)
            return
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)


def push(host: str, name: str, tag: str, layout: Layout, guarded: Guarded | None = None) -> None:
    """What `docker push` does."""
    pool, base = _pool(guarded), _base(host, guarded) + name
    for blob in (layout.place / "blobs/sha256").iterdir():
        begun = pool.request("POST", f"{base}/blobs/uploads/")
        place = begun.headers["Location"]
        joint = "&" if "?" in place else "?"
        done = pool.request("PUT", f"{place}{joint}digest=sha256:{blob.name}", body=blob.read_bytes())
        assert done.status == 201, done.data
    _put(pool, f"{base}/manifests/{tag}", json.dumps(layout.manifest).encode(), layout.manifest["mediaType"])
    entry = json.loads((layout.place / "index.json").read_text())["manifests"][0]
    if entry["mediaType"] != layout.manifest["mediaType"]:  # an index in front of it
        top = (layout.place / "blobs/sha256" / entry["digest"].removeprefix("sha256:")).read_bytes()
        _put(pool, f"{base}/manifests/{tag}", top, entry["mediaType"])


def _put(pool: urllib3.PoolManager, url: str, manifest: bytes, kind: str) -> None:
    answer = pool.request("PUT", url, body=manifest, headers={**pool.headers, "Content-Type": kind})
    assert answer.status == 201, answer.data
