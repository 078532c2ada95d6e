"""Registries, as a small server plays them. Source: OCI distribution specification; Docker's "Token Authentication"."""

import base64
import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.images.layouts import Layout, entry

from lambent.images import sources
from lambent.images.api import Image, ImageError, Limits
from lambent.images.logins import login_of
from lambent.images.reference import Reference
from lambent.images.registry import Registry, RegistrySettings

LIMITS = Limits(1 << 20, 1000, 5)
LOGIN = base64.b64encode(b"me:secret").decode()


class Hub:
    """What the server answers, and what it was asked."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.challenge = ""
        self.elsewhere = False  # blobs
        self.wrong: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.port = 0

    def answer(self, path: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append((path, authorization))
        what, _, name = path.rpartition("/")
        if path.startswith("/token"):
            right = authorization == f"Basic {LOGIN}"
            return (200 if right else 401), {}, b'{"token": "a-token"}'
        if what == "/elsewhere":
            return 200, {}, self.blob(name)
        if self.challenge and authorization not in (f"Basic {LOGIN}", "Bearer a-token"):
            return 401, {"WWW-Authenticate": self.challenge.format(port=self.port)}, b""
        if "/manifests" in what:
            top = json.loads((self.layout.place / "index.json").read_text())["manifests"][0]["digest"]
            known = name == "1" or name.startswith("sha256:")
            return (200, {}, self.blob(top if name == "1" else name)) if known else (404, {}, b"")
        if self.elsewhere:
            return 307, {"Location": f"/elsewhere/{name}"}, b""
        return 200, {}, self.blob(name)

    def blob(self, digest: str) -> bytes:
        return self.wrong.get(digest, (self.layout.place / "blobs/sha256" / digest[7:]).read_bytes())


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(Layout(tmp_path / "layout").add([entry("f", "x")]).finish(Cmd=["/f"], index=True))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = made.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in (*headers.items(), ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def registry(hub: Hub, credentials: str = "") -> Registry:
    host = f"127.0.0.1:{hub.port}"
    return Registry(Reference(host, "a/b", "1"), RegistrySettings((f"http://{host}",), "", credentials))


def resolve(hub: Hub, wanted: str = "1", credentials: str = "") -> Image:
    return sources.resolve(registry(hub, credentials), wanted, "x86_64", LIMITS)


def login_file(hub: Hub, folder: Path) -> str:
    (folder / "config.json").write_text(json.dumps({"auths": {f"127.0.0.1:{hub.port}": {"auth": LOGIN}}}))
    return str(folder / "config.json")


def test_a_tag_leads_through_the_index_to_the_image_of_this_processor(hub: Hub) -> None:
    found = resolve(hub)
    assert found.digest == hub.layout.digest[7:]
    assert found.settings.command == ("/f",)
    assert resolve(hub, hub.layout.digest) == found


@pytest.mark.parametrize(
    "challenge", ['Bearer realm="http://127.0.0.1:{port}/token",service="s",scope="pull"', 'Basic realm="x"']
)
def test_what_the_registry_wants_to_know_comes_from_the_login_file(hub: Hub, tmp_path: Path, challenge: str) -> None:
    hub.challenge = challenge
    assert resolve(hub, credentials=login_file(hub, tmp_path)).digest == hub.layout.digest[7:]
    with pytest.raises(ImageError) as caught:
        resolve(hub)
    assert caught.value.kind == "denied"


HELPER = """#!/bin/sh
[ "$1" = get ] || exit 3
read -r host
case "$host" in
    known.example) echo '{"ServerURL": "known.example", "Username": "me", "Secret": "secret"}' ;;
    token.example) echo '{"Username": "<token>", "Secret": "x"}' ;;
    junk.example) echo 'hello' ;;
    broken.example) echo 'the vault is locked' >&2; exit 2 ;;
    *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
"""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A helper program on the path; the folder for configuration files."""
    program = tmp_path / "bin" / "docker-credential-vault"
    program.parent.mkdir()
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path


def login(folder: Path, host: str, **config: Any) -> str:
    (folder / "config.json").write_text(json.dumps(config))
    return login_of(str(folder / "config.json"), host)


@pytest.mark.parametrize("config", [
    {"credHelpers": {"known.example": "vault"}},
    {"credsStore": "vault", "auths": {"known.example": {}}},
    {"auths": {"https://known.example/v1/": {"auth": LOGIN}}},
    {"auths": {"known.example": {"username": "me", "password": "secret"}}},
    {"credsStore": "nobody", "credHelpers": {"known.example": "vault"}},
])  # fmt: skip
def test_a_login_is_found_where_docker_finds_it(vault: Path, config: dict[str, Any]) -> None:
    assert login(vault, "known.example", **config) == LOGIN


def test_who_is_not_known_has_no_login_and_the_files_own_counts_then(vault: Path) -> None:
    assert login(vault, "other.example", credsStore="vault") == ""
    assert login(vault, "other.example", auths={"other.example": {}}) == ""
    assert login(vault, "other.example", credsStore="vault", auths={"other.example": {"auth": LOGIN}}) == LOGIN
    assert login_of("", "other.example") == ""


@pytest.mark.parametrize(("host", "config", "words"), [
    ("token.example", {"credsStore": "vault"}, "identity token"),
    ("junk.example", {"credsStore": "vault"}, "malformed"),
    ("broken.example", {"credsStore": "vault"}, "the vault is locked"),
    ("known.example", {"credsStore": "none-such"}, "no program docker-credential-none-such"),
    ("known.example", {"credsStore": "../vault"}, "no program docker-credential-../vault"),
    ("known.example", {"auths": {"known.example": {"auth": "*"}}}, "cannot be read"),
    ("known.example", {"auths": 3}, "Expected"),
])  # fmt: skip
def test_a_login_that_cannot_be_had_is_told(vault: Path, host: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(ImageError, match=re.escape(words)) as caught:
        login(vault, host, **config)
    assert caught.value.kind == "denied"


def test_whoever_a_blob_is_with_instead_is_told_no_credentials(hub: Hub, tmp_path: Path) -> None:
    hub.challenge, hub.elsewhere = 'Basic realm="x"', True
    resolve(hub, credentials=login_file(hub, tmp_path))
    told = [authorization for path, authorization in hub.asked if path.startswith("/elsewhere")]
    assert told == [""]


def test_a_manifest_or_configuration_that_is_another_is_refused(hub: Hub) -> None:
    for digest in (hub.layout.digest, hub.layout.manifest["config"]["digest"]):
        hub.wrong = {digest: hub.blob(digest) + b" "}
        with pytest.raises(ImageError) as caught:
            resolve(hub)
        assert caught.value.kind == "invalid"


def test_what_is_not_there_and_who_does_not_answer(hub: Hub) -> None:
    with pytest.raises(ImageError) as caught:
        resolve(hub, "2")
    assert caught.value.kind == "missing"
    nobody = Registry(Reference("127.0.0.1:1", "a", "1"), RegistrySettings(("http://127.0.0.1:1",)))
    with pytest.raises(ImageError) as refused:
        nobody.manifest("1")
    assert refused.value.kind == "unreachable"


def test_a_registry_that_the_operator_has_not_named_is_not_asked(hub: Hub) -> None:
    with pytest.raises(ImageError, match="--image-registry"):
        Registry(Reference(f"127.0.0.1:{hub.port}", "a", "1"), RegistrySettings(("registry.example",)))
    assert hub.asked == []
