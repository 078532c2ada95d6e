"""Names, manifests and configurations. Source: OCI image and distribution specifications."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.images import manifest, reference
from lambent.images.api import ImageError
from lambent.images.reference import Reference

ECR = "1.dkr.ecr.us-east-1.amazonaws.com"
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("localhost/app:1", Reference("localhost", "app", "1")),
        ("localhost:5000/team/app", Reference("localhost:5000", "team/app", "latest")),
        (f"registry.example/a__b/c-d:V.1@{DIGEST}", Reference("registry.example", "a__b/c-d", "V.1", "0" * 64)),
        ("[::1]:5000/a", Reference("[::1]:5000", "a", "latest")),
        (f"1.dkr.ecr.us-east-1.amazonaws.com/a@{DIGEST}", Reference(ECR, "a", "latest", "0" * 64)),
    ],
)
def test_a_name_has_a_host_a_name_and_a_tag_or_digest(text: str, parts: Reference) -> None:
    assert reference.parse(text) == parts


NO_NAMES = ["", "app", "app:1", "team/app", "localhost/../a", "localhost/A", "localhost/a@sha256:0", "localhost/a:"]


@pytest.mark.parametrize("text", [*NO_NAMES, "http://localhost/a", "localhost/a b", "user@host.example/a", "h.x/a?b"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ImageError):
        reference.parse(text)


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    with contextlib.suppress(ImageError):
        assert reference.parse(text).name in text


def config(**changes: Any) -> bytes:
    told = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["x"]}, "rootfs": {"diff_ids": [DIGEST]}}
    return json.dumps(told | changes).encode()


PARTS = manifest.Parts(DIGEST, 1, ((DIGEST, 1),))


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": "arm64"},
        {"os": "windows"},
        {"rootfs": {"diff_ids": []}},
        {"rootfs": {"diff_ids": ["sha256:../../x"]}},
        {"config": {"Env": ["nothing"]}},
        {"config": {"Cmd": ["x" * 20_000]}},
        {"config": {"Cmd": ["a\0b"]}},
        {"config": {"Cmd": "x"}},
    ],
    ids=["processor", "system", "layers", "digest", "variables", "size", "NUL", "form"],
)
def test_a_configuration_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ImageError):
        manifest.image("0" * 64, PARTS, config(**changes), "x86_64")


def test_a_configuration_without_settings_is_one_with_empty_ones() -> None:
    assert manifest.image("0" * 64, PARTS, config(config=None), "x86_64").settings.command == ()


def layered(**changes: Any) -> bytes:
    of = {"digest": DIGEST, "size": 1}
    told = {
        "schemaVersion": 2,
        "config": {**of, "mediaType": manifest.CONFIGURATIONS[0]},
        "layers": [{**of, "mediaType": manifest.LAYERS[0]}],
    }
    return json.dumps(told | changes).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"schemaVersion": 1},
        {"mediaType": "application/x"},
        {"config": None},
        {"layers": []},
        {"layers": [{"digest": DIGEST, "size": 1, "mediaType": "application/vnd.in-toto+json"}]},
        {"layers": [{"digest": "sha256:0", "size": 1, "mediaType": manifest.LAYERS[0]}]},
        {"layers": [{"digest": DIGEST, "size": -1, "mediaType": manifest.LAYERS[0]}]},
        {"layers": [{"digest": DIGEST, "size": 1, "mediaType": manifest.LAYERS[0]}] * 6},
    ],
    ids=["schema", "type", "no configuration", "no layers", "no layer's type", "digest", "size", "too many"],
)
def test_a_manifest_of_something_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ImageError):
        manifest.parts(layered(**changes), 5)


KEYS = st.sampled_from(["manifests", "config", "layers", "digest", "platform"])
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
)


@settings(max_examples=50)
@given(st.binary(max_size=80) | VALUES.map(lambda each: json.dumps(each).encode()))
def test_any_bytes_are_a_manifest_or_refused(data: bytes) -> None:
    for read in (lambda: manifest.chosen(data, "x86_64"), lambda: manifest.parts(data, 5)):
        with contextlib.suppress(ImageError):
            read()
