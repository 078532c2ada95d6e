"""Code on disk: unpacked on demand, swept after a crash, collected when nobody needs it."""

import asyncio
import shutil
from typing import Any

import pytest

from lambent.errors import ServiceError
from lambent.services.lambda_.code import KEPT_AFTER_USE_S


def folders(house: Any) -> set[str]:
    return {path.name for path in (house.folder / "code").iterdir()}


def blobs(house: Any) -> set[str]:
    return {path.name for path in (house.folder / "blobs").rglob("*") if path.is_file()}


async def test_a_missing_folder_is_made_again_when_it_is_asked_for(house: Any) -> None:
    await house.create()
    [digest] = folders(house)
    shutil.rmtree(house.folder / "code" / digest)
    await asyncio.gather(*(house.service._code.ensure_unpacked(digest) for _ in range(5)))
    assert (house.folder / "code" / digest / "app.py").exists()


async def test_what_a_killed_process_left_half_made_is_swept(house: Any) -> None:
    await house.create()
    (house.folder / "code" / ".unfinished-abc" / "deep").mkdir(parents=True)
    (house.folder / "blobs" / "unfinished" / "1-0").write_text("half")
    known = folders(house) - {".unfinished-abc"}
    await house.build()
    assert folders(house) == known == blobs(house)


async def test_code_goes_when_no_version_no_environment_and_no_recent_use_needs_it(house: Any, package: Any) -> None:
    await house.create(Publish=True)
    [old] = folders(house)
    await house.call("UpdateFunctionCode", FunctionName="f", ZipFile=package({"a": "new"}))
    await house.service.settle()
    await house.clock.advance(KEPT_AFTER_USE_S + 1)
    assert await house.service.collect_code(()) == []  # version 1 refers to it
    await house.call("DeleteFunction", FunctionName="f", Qualifier="1")
    assert await house.service.collect_code({old}) == []  # an environment has it mounted
    await house.service._code.ensure_unpacked(old)
    assert await house.service.collect_code(()) == []  # somebody has just asked for it
    await house.clock.advance(KEPT_AFTER_USE_S + 1)
    assert await house.service.collect_code(()) == [old]
    assert old not in folders(house) | blobs(house)
    assert folders(house) == blobs(house)
    assert len(folders(house)) == 1


async def test_collecting_beside_creating_loses_nothing(house: Any, package: Any) -> None:
    same = package({"app.py": "the same"})
    stop = False

    async def collect() -> None:
        while not stop:
            await house.service.collect_code(())

    collector = asyncio.create_task(collect())
    for _ in range(10):
        await house.create(Code={"ZipFile": same})
        await house.clock.advance(KEPT_AFTER_USE_S + 1)
        snapshot = await house.service.data_plane.snapshot(house.key(), "")
        assert snapshot.refusal == ""
        assert (await house.call("GetFunction", FunctionName="f"))["Configuration"]["State"] == "Active"
        assert len(blobs(house)) == 1
        await house.call("DeleteFunction", FunctionName="f")
    stop = True
    await collector


async def test_code_that_cannot_be_unpacked_makes_the_function_failed(house: Any) -> None:
    shutil.rmtree(house.folder / "code")
    (house.folder / "code").write_text("in the way")
    await house.create()
    answer = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert (answer["State"], answer["StateReasonCode"]) == ("Failed", "InternalError")
    assert "could not be unpacked" in answer["StateReason"]
    snapshot = await house.service.data_plane.snapshot(house.key(), "")
    assert snapshot.refusal.endswith("The function is currently in the following state: Failed")
    (house.folder / "code").unlink()
    (house.folder / "code").mkdir()
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=4)
    await house.service.settle()
    assert (await house.service.data_plane.snapshot(house.key(), "")).refusal == ""


async def test_the_link_of_get_function_gives_the_package_for_ten_minutes(house: Any, package: Any) -> None:
    code = package({"app.py": "mine"})
    await house.create(Code={"ZipFile": code})
    location = (await house.call("GetFunction", FunctionName="f"))["Code"]["Location"]
    assert location.startswith("http://here:4566/_lambent/code/000000000000/us-east-1/")
    path, query = location.removeprefix("http://here:4566").split("?")
    download = house.service.downloads.download
    assert await download(path, query) == code
    for wrong_path, wrong_query in (
        (path.replace("us-east-1", "eu-west-1"), query),
        (path.replace("0.zip", "1.zip") if "0.zip" in path else path + "x", query),
        (path, query.replace("Expires=1", "Expires=2")),
        (path, query[:-1]),
        (path, ""),
        (path, "Expires=ä&Signature=ä"),
    ):
        with pytest.raises(ServiceError) as caught:
            await download(wrong_path, wrong_query)
        assert caught.value.status == 403
    await house.clock.advance(601)
    with pytest.raises(ServiceError, match="expired"):
        await download(path, query)
