"""Functions of container images, at the service. Source: Lambda service model; behaviours sections 4 to 6."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.images.layouts import Layout, entry

from lambent.errors import ServiceError
from lambent.ids import SystemIds
from lambent.images import sources
from lambent.images.api import Limits, Progress
from lambent.images.archive import Archive, Files
from lambent.images.pull import fetch
from lambent.images.shelf import Shelf

if TYPE_CHECKING:
    from tests.unit.services.lambda_.conftest import House

ROLE = "arn:aws:iam::000000000000:role/r"
LIMITS = Limits(1 << 20, 1000, 10)


def nobody(progress: Progress) -> None:
    """Listens."""


def imported(
    house: "House", place: Path, name: str = "localhost/app:1", *, content: str = "x", bad: bool = False
) -> str:
    """Its digest. With `bad` it makes no root."""
    layout = Layout(place).add([entry("f", content), *([entry("etc", "no folder")] if bad else [])])
    layout.finish(Entrypoint=["/f"], Cmd=["a"], Env=["OF=image"], WorkingDir="/w")
    shelf, files = Shelf(house.folder / "images", SystemIds()), Files(place)
    source = Archive(files)
    image = sources.resolve(source, source.top, "x86_64", LIMITS)
    with shelf.adding():
        fetch(image, source, shelf, LIMITS, nobody)
        shelf.name(name, image.digest)
    return image.digest


async def create(house: Any, **more: Any) -> Any:
    code = {"ImageUri": "localhost/app:1"}
    given = {"FunctionName": "f", "PackageType": "Image", "Code": code, "Role": ROLE}
    return await house.call("CreateFunction", **(given | more))


async def test_a_function_is_pending_until_its_image_is_a_root(house: "House", tmp_path: Path) -> None:
    digest = imported(house, tmp_path / "l")
    made = await create(house)
    assert (made["State"], made["PackageType"], made["CodeSha256"], made["CodeSize"]) == ("Pending", "Image", digest, 0)
    await house.service.settle()
    told: Any = await house.call("GetFunction", FunctionName="f")
    assert told["Configuration"]["State"] == "Active"
    assert told["Code"]["ResolvedImageUri"] == f"localhost/app@sha256:{digest}"
    assert (house.folder / "code" / digest / "f").read_text() == "x"


async def test_what_makes_no_root_fails_and_an_update_brings_it_to_life(house: "House", tmp_path: Path) -> None:
    imported(house, tmp_path / "l", bad=True)
    await create(house)
    await house.service.settle()
    told: Any = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert (told["State"], told["StateReasonCode"]) == ("Failed", "InvalidImage")
    assert "etc" in told["StateReason"]
    digest = imported(house, tmp_path / "m", "localhost/app:2", content="y")
    await house.call("UpdateFunctionCode", FunctionName="f", ImageUri="localhost/app:2")
    await house.service.settle()
    told = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert (told["State"], told["LastUpdateStatus"], told["CodeSha256"]) == ("Active", "Successful", digest)


async def test_during_an_update_the_present_image_is_served_and_after_a_failed_one_too(
    house: "House", tmp_path: Path
) -> None:
    first, second = imported(house, tmp_path / "l"), imported(house, tmp_path / "m", "localhost/app:2", bad=True)
    await create(house)
    await house.service.settle()
    before = await house.service.data_plane.snapshot(house.key("f"), "")
    told: Any = await house.call("UpdateFunctionCode", FunctionName="f", ImageUri="localhost/app:2")
    assert (told["CodeSha256"], told["LastUpdateStatus"]) == (second, "InProgress")
    assert (await house.service.data_plane.snapshot(house.key("f"), "")).environment_key == before.environment_key
    await house.service.settle()
    told = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert (told["CodeSha256"], told["LastUpdateStatus"]) == (first, "Failed")
    assert told["LastUpdateStatusReasonCode"] == "InvalidImage"
    assert (await house.service.data_plane.snapshot(house.key("f"), "")).environment_key == before.environment_key


async def test_an_image_whose_layers_went_is_told_as_deleted(house: "House", tmp_path: Path) -> None:
    imported(house, tmp_path / "l")
    shelf = Shelf(house.folder / "images", SystemIds())
    image = shelf.named("localhost/app:1")
    shelf.tree(image.layers[0]).parent.rename(tmp_path / "away")
    await create(house)
    await house.service.settle()
    told: Any = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert (told["State"], told["StateReasonCode"]) == ("Failed", "ImageDeleted")


async def test_layers_of_images_that_no_version_uses_are_collected(house: "House", tmp_path: Path) -> None:
    imported(house, tmp_path / "l")
    await create(house)
    await house.service.settle()
    shelf = Shelf(house.folder / "images", SystemIds())
    shelf.forget_name("localhost/app:1")
    await house.service.collect_code([])
    assert len(list((house.folder / "images/layers").iterdir())) == 1
    await house.call("DeleteFunction", FunctionName="f")
    await house.clock.advance(200)
    await house.service.collect_code([])
    assert list((house.folder / "images/layers").iterdir()) == []
    assert list((house.folder / "code").iterdir()) == []


async def test_an_update_lets_go_of_the_image_before_it_and_keeps_what_both_share(
    house: "House", tmp_path: Path
) -> None:
    first, second = imported(house, tmp_path / "l"), imported(house, tmp_path / "m", "localhost/app:2", content="y")
    await create(house)
    await house.service.settle()
    shelf = Shelf(house.folder / "images", SystemIds())
    needed = {layer.diff_id[7:] for layer in shelf.image(second).layers}
    await house.call("UpdateFunctionCode", FunctionName="f", ImageUri="localhost/app:2")
    await house.service.settle()
    shelf.forget_name("localhost/app:1")
    shelf.forget_name("localhost/app:2")
    await house.clock.advance(200)
    await house.service.collect_code([first])  # an environment of it still runs
    assert {path.name for path in (house.folder / "code").iterdir()} == {first, second}
    await house.service.collect_code([])
    assert [path.name for path in (house.folder / "code").iterdir()] == [second]
    assert {path.name for path in (house.folder / "images/layers").iterdir()} == needed


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"Runtime": "python3.11"}, "Please don't provide Handler or Runtime or Layer"),
        ({"Handler": "a.b"}, "Please don't provide Handler or Runtime or Layer"),
        ({"Code": {}}, "Please provide ImageUri when creating"),
        ({"Code": {"ImageUri": "localhost/app:1", "ZipFile": b"x"}}, "other FunctionCode parameters"),
        ({"Code": {"ImageUri": "localhost/none:1"}}, "does not exist. Provide a valid source image."),
        ({"Code": {"ImageUri": "../x"}}, "is not valid. Provide a valid source image."),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart is not supported"),
        ({"ImageConfig": {"Command": ["a\0b"]}}, "neither NUL"),
    ],
)
async def test_what_does_not_go_with_an_image_is_refused(
    house: "House", tmp_path: Path, parameters: dict[str, Any], words: str
) -> None:
    imported(house, tmp_path / "l")
    with pytest.raises(ServiceError, match=words) as caught:
        await create(house, **parameters)
    assert caught.value.code == "InvalidParameterValueException"


async def test_an_image_has_no_code_signing_at_all(house: "House", tmp_path: Path) -> None:
    """Source: what the real service has answered to tools that asked."""
    imported(house, tmp_path / "image")
    await create(house)
    with pytest.raises(ServiceError, match="not supported for functions created with container images"):
        await house.call("GetFunctionCodeSigningConfig", FunctionName="f")
