"""UpdateFunctionCode, UpdateFunctionConfiguration, versions. Sources: Lambda service model; recordings."""

import asyncio
from typing import Any

import pytest

from lambent.errors import ServiceError

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


async def test_new_code_is_unpacked_when_the_update_is_acknowledged(house: Any, package: Any) -> None:
    await house.create()
    answer = await house.call("UpdateFunctionCode", FunctionName="f", ZipFile=package({"app.py": "new"}))
    assert (answer["State"], answer["LastUpdateStatus"]) == ("Active", "InProgress")
    snapshot = await house.service.data_plane.snapshot(house.key(), "")
    assert snapshot.refusal == ""
    assert "new" in {path.read_text() for path in (house.folder / "code").glob("*/app.py")}
    await house.service.settle()
    settled = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert settled["LastUpdateStatus"] == "Successful"
    assert settled["CodeSha256"] == answer["CodeSha256"]


async def test_a_dry_run_changes_nothing(house: Any, package: Any) -> None:
    await house.create()
    before = await house.call("GetFunctionConfiguration", FunctionName="f")
    answer = await house.call("UpdateFunctionCode", FunctionName="f", ZipFile=package({"a": "b"}), DryRun=True)
    assert answer["CodeSha256"] != before["CodeSha256"]
    assert await house.call("GetFunctionConfiguration", FunctionName="f") == before


async def test_a_configuration_keeps_what_is_not_sent(house: Any) -> None:
    await house.create(Environment={"Variables": {"AB": "1", "CD": "2"}}, Description="d")
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=7, Environment={"Variables": {"AB": "3"}})
    await house.service.settle()
    answer = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert (answer["Timeout"], answer["Description"], answer["MemorySize"]) == (7, "d", 128)
    assert answer["Environment"] == {"Variables": {"AB": "3"}}


@pytest.mark.parametrize("operation", ["UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion"])
async def test_nothing_is_changed_while_pending_or_in_progress(house: Any, package: Any, operation: str) -> None:
    parameters = {"ZipFile": package({"a": "b"})} if operation == "UpdateFunctionCode" else {}
    house.service._completion.begin = lambda key: None  # the background work does not come
    await house.create()
    with pytest.raises(ServiceError) as caught:
        await house.call(operation, FunctionName="f", **parameters)
    assert caught.value.code == "ResourceConflictException"
    assert caught.value.message.endswith("The function is currently in the following state: Pending")
    snapshot = await house.service.data_plane.snapshot(house.key(), "")
    assert snapshot.refusal == caught.value.message

    await house.build()  # a restart takes the work up again
    await house.service.settle()
    house.service._completion.begin = lambda key: None
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=7)
    with pytest.raises(ServiceError) as caught:
        await house.call(operation, FunctionName="f", **parameters)
    assert caught.value.message == (
        f"The operation cannot be performed at this time. An update is in progress for resource: {ARN}"
    )


@pytest.mark.parametrize("operation", ["UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion"])
async def test_a_stale_revision_is_refused(house: Any, package: Any, operation: str) -> None:
    created = await house.create()
    parameters = {"ZipFile": package({"a": "b"})} if operation == "UpdateFunctionCode" else {}
    with pytest.raises(ServiceError) as caught:
        await house.call(operation, FunctionName="f", RevisionId=created["RevisionId"], **parameters)
    assert (caught.value.code, caught.value.status) == ("PreconditionFailedException", 412)


async def test_of_two_edits_at_once_one_is_told_to_wait(house: Any) -> None:
    await house.create()
    edits = [house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=n) for n in (5, 6)]
    results = await asyncio.gather(*edits, return_exceptions=True)
    refusals = [each for each in results if isinstance(each, ServiceError)]
    assert [error.code for error in refusals] == ["ResourceConflictException"]


async def test_an_update_without_code_or_from_elsewhere_is_refused(house: Any) -> None:
    await house.create()
    for parameters in ({}, {"S3Bucket": "b", "S3Key": "k"}, {"ImageUri": "i"}, {"ZipFile": b"broken"}):
        with pytest.raises(ServiceError) as caught:
            await house.call("UpdateFunctionCode", FunctionName="f", **parameters)
        assert caught.value.code == "InvalidParameterValueException"


async def test_a_change_is_announced_before_it_is_answered_or_seen(house: Any) -> None:
    await house.create()
    announcing, go_on = asyncio.Event(), asyncio.Event()

    async def announce() -> None:
        announcing.set()
        await go_on.wait()

    house.invalidator.hook, house.invalidator.told = announce, []
    update = asyncio.create_task(house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9))
    await announcing.wait()
    reader = asyncio.create_task(house.call("GetFunctionConfiguration", FunctionName="f"))
    update.cancel()  # the caller hangs up; the announcement goes on
    for _ in range(50):
        await asyncio.sleep(0)
    assert not reader.done()
    go_on.set()
    assert (await reader)["Timeout"] == 9
    assert house.invalidator.told == [house.key()]


async def test_published_versions_are_copies_that_stay(house: Any, package: Any) -> None:
    await house.create()
    first = await house.call("PublishVersion", FunctionName="f", Description="one")
    assert (first["Version"], first["FunctionArn"], first["Description"]) == ("1", f"{ARN}:1", "one")
    assert (first["State"], first["LastUpdateStatus"]) == ("Active", "Successful")
    assert (await house.call("PublishVersion", FunctionName="f"))["Version"] == "1"  # nothing has changed
    second = await house.call("UpdateFunctionCode", FunctionName="f", ZipFile=package({"a": "2"}), Publish=True)
    assert second["Version"] == "2"
    await house.service.settle()
    listed = await house.call("ListVersionsByFunction", FunctionName="f")
    assert [each["Version"] for each in listed["Versions"]] == ["$LATEST", "1", "2"]
    assert listed["Versions"][0]["FunctionArn"] == f"{ARN}:$LATEST"
    assert listed["Versions"][1]["CodeSha256"] == first["CodeSha256"] != second["CodeSha256"]


async def test_a_version_number_is_never_given_again(house: Any) -> None:
    await house.create(Publish=True)
    await house.call("DeleteFunction", FunctionName="f", Qualifier="1")
    assert (await house.call("PublishVersion", FunctionName="f"))["Version"] == "2"


async def test_publishing_can_name_the_code_it_means(house: Any) -> None:
    created = await house.create()
    with pytest.raises(ServiceError, match=r"CodeSHA256 \(x\) is different from current CodeSHA256 in \$LATEST"):
        await house.call("PublishVersion", FunctionName="f", CodeSha256="x")
    await house.call("PublishVersion", FunctionName="f", CodeSha256=created["CodeSha256"])


async def test_versions_come_in_pages(house: Any) -> None:
    await house.create(Publish=True)
    first = await house.call("ListVersionsByFunction", FunctionName="f", MaxItems=1)
    second = await house.call("ListVersionsByFunction", FunctionName="f", MaxItems=1, Marker=first["NextMarker"])
    assert [page["Versions"][0]["Version"] for page in (first, second)] == ["$LATEST", "1"]
    assert "NextMarker" not in second


async def test_a_function_that_could_not_be_settled_for_a_reason_nobody_thought_of_is_settled_later(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, expect, sleep = asyncio.Event(), house.snapshots.expect, house.clock.sleep

    async def fail(runtime: str, memory_mb: int) -> None:
        raise KeyError("a bug")

    async def telling(seconds: float) -> None:
        failed.set()
        await sleep(seconds)

    monkeypatch.setattr(house.snapshots, "expect", fail)
    monkeypatch.setattr(house.clock, "sleep", telling)
    creating = asyncio.create_task(house.create())
    await asyncio.wait_for(failed.wait(), 20)
    monkeypatch.setattr(house.snapshots, "expect", expect)
    await house.clock.advance(60)
    await creating
    await house.service.settle()
    assert (await house.call("GetFunctionConfiguration", FunctionName="f"))["State"] == "Active"
