"""A registry with TLS, an authority of one's own, and a name and password that a helper program keeps.

Source: OCI distribution specification; Docker's command line reference, "docker login" (credential helpers); Lambda
service model (StateReasonCode).
"""

import json
import os
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from msgspec import Struct
from tests import compiled
from tests.images import registry
from tests.images.functions import Images
from tests.images.layouts import Layout, entry

from lambent.cli.server import free_port

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

HELPER = """#!/bin/sh
read -r host
[ "$host" = "$(cat "$0.host")" ] || { echo credentials not found in native keychain; exit 1; }
printf '{"ServerURL": "%s", "Username": "NAME", "Secret": "PASSWORD"}' "$host"
"""


class Hub(Struct, frozen=True):
    """A running registry, and what a client of it needs."""

    host: str
    guarded: registry.Guarded
    helpers: Path
    image: Layout

    def login(self, **config: Any) -> Path:
        place = self.helpers / "config.json"
        place.write_text(json.dumps(config))
        return place


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One that every user may read, as whoever runs the server must."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="module")
def hub(folder: Path) -> Iterator[Hub]:
    guarded, port, helpers = registry.Guarded(folder), free_port(), folder / "helpers"
    helpers.mkdir()
    program = helpers / "docker-credential-tests"
    program.write_text(HELPER.replace("NAME", registry.NAME).replace("PASSWORD", registry.PASSWORD))
    program.chmod(0o755)
    (helpers / "docker-credential-tests.host").write_text(f"127.0.0.1:{port}")
    layer = [entry("programs", compiled.program("go", "programs"), 0o755)]
    image = Layout(folder / "layout").add(layer).finish(Entrypoint=["/programs"], Env=["_HANDLER=echo"])
    with registry.running(folder, port, guarded) as host:
        registry.push(host, "team/echo", "1", image, guarded)
        yield Hub(host, guarded, helpers, image)


@pytest.mark.needs_root
def test_an_image_comes_over_tls_with_the_login_that_a_helper_keeps(
    own_server: Callable[..., "Platform"], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{hub.helpers}:{os.environ['PATH']}")
    login = hub.login(credHelpers={hub.host: "tests"})
    flags = ("--image-registry", hub.host, "--image-registry-login", str(login))
    platform = own_server(*flags, "--image-registry-ca", str(hub.guarded.trust))
    shutil.copytree(hub.helpers, platform.server.data.parent / "bin")  # an ordinary user's server has no PATH of ours
    images = Images(platform)
    name = images.create(f"{hub.host}/team/echo:1")
    assert images.invoke(name, {"n": 1}) == {"n": 1}
    code = platform.client("lambda").get_function(FunctionName=name)["Code"]
    assert code["ResolvedImageUri"] == f"{hub.host}/team/echo@{hub.image.digest}"
    for config, words in (
        ({}, "does not let this server read"),
        ({"auths": {hub.host: {"username": registry.NAME, "password": "wrong"}}}, "does not let this server read"),
        ({"credHelpers": {hub.host: "none"}}, "no program docker-credential-none"),
    ):
        hub.login(**config)  # it is read anew for each image
        with pytest.raises(ClientError, match=words) as caught:
            images.create(f"{hub.host}/team/echo:1")
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_certificate_that_nobody_vouches_for_is_refused(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, platform: "Platform", tmp_path: Path
) -> None:
    """`lambent image pull` goes the same way, without a server."""
    monkeypatch.setenv("PATH", f"{hub.helpers}:{os.environ['PATH']}")
    trusted = {"LAMBENT_IMAGE_REGISTRY_CA": str(hub.guarded.trust)}
    login = {"LAMBENT_IMAGE_REGISTRY_LOGIN": str(hub.login(credsStore="tests"))}

    def pull(variables: dict[str, str]) -> Any:
        words = "image", "pull", f"{hub.host}/team/echo:1", "--data", tmp_path / "data"
        with_them = (f"{name}={value}" for name, value in variables.items())
        return platform.command("env", *with_them, platform.bin / "lambent", *words)

    done = pull(login)
    assert (done.returncode, done.stdout) == (1, "")
    assert ssl.SSLCertVerificationError.__name__ in done.stderr or "certificate verify failed" in done.stderr
    done = pull(trusted)
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not let this server read team/echo" in " ".join(done.stderr.split())
    assert not list(tmp_path.glob("data/images/names/*"))
    done = pull(trusted | login)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [f"{hub.host}/team/echo:1", hub.image.digest]
