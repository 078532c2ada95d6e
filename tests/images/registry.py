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

CONFIGURATION = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextmanager
def running(folder: Path, port: int) -> Iterator[str]:
    """Its host and port, while it runs. Skips where there is none."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if program is None:
        pytest.skip("no registry is here: apt-get install docker-registry")
    (folder / "registry.yml").write_text(CONFIGURATION.format(folder=folder / "registry", port=port))
    nothing = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {"PATH": os.environ["PATH"]}}
    with subprocess.Popen([program, "serve", folder / "registry.yml"], **nothing) as process:  # type: ignore[call-overload]
        try:
            _wait_ready(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


def _wait_ready(port: int) -> None:
    pool, deadline_s = urllib3.PoolManager(retries=False), time.monotonic() + 20
    while True:
        try:
            pool.request("GET", f"http://127.0.0.1:{port}/v2/")
            return
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)


def push(host: str, name: str, tag: str, layout: Layout) -> None:
    """What `docker push` does."""
    pool, base = urllib3.PoolManager(), f"http://{host}/v2/{name}"
    for blob in (layout.place / "blobs/sha256").iterdir():
        begun = pool.request("POST", f"{base}/blobs/uploads/")
        place = begun.headers["Location"]
        joint = "&" if "?" in place else "?"
        done = pool.request("PUT", f"{place}{joint}digest=sha256:{blob.name}", body=blob.read_bytes())
        assert done.status == 201, done.data
    put(host, name, tag, json.dumps(layout.manifest).encode(), layout.manifest["mediaType"])
    entry = json.loads((layout.place / "index.json").read_text())["manifests"][0]
    if entry["mediaType"] != layout.manifest["mediaType"]:  # an index in front of it
        top = (layout.place / "blobs/sha256" / entry["digest"].removeprefix("sha256:")).read_bytes()
        put(host, name, tag, top, entry["mediaType"])


def put(host: str, name: str, tag: str, manifest: bytes, kind: str) -> None:
    """A manifest or index under a tag."""
    url = f"http://{host}/v2/{name}/manifests/{tag}"
    answer = urllib3.PoolManager().request("PUT", url, body=manifest, headers={"Content-Type": kind})
    assert answer.status == 201, answer.data
