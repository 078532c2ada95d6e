"""Users and access keys. Source: IAM API Reference, the page of each operation named below."""

import re
from typing import Any

import pytest

from lambent.errors import NotImplementedByLambent, ServiceError, ValidationError
from lambent.model.principal import Principal
from lambent.services.iam.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    InvalidInput,
    LimitExceeded,
    NoSuchEntity,
)
from lambent.services.iam.keys import Keys

ANN = Principal("123456789012", "arn:aws:iam::123456789012:user/team/ann", "AIDAX")
OTHER = Principal("999999999999", "arn:aws:iam::999999999999:root", "999999999999")


async def test_a_user_has_an_id_and_an_arn_with_its_path(iam: Any) -> None:
    made = (await iam("CreateUser", UserName="ann", Path="/team/", Tags=[{"Key": "a", "Value": "1"}]))["User"]
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", made["UserId"])
    assert made["Arn"] == "arn:aws:iam::123456789012:user/team/ann"
    assert (await iam("GetUser", UserName="ann"))["User"] == made
    assert (await iam("GetUser", by=ANN))["User"] == made
    assert made["Tags"] == [{"Key": "a", "Value": "1"}]


async def test_names_that_differ_only_by_case_are_one_name(iam: Any) -> None:
    await iam("CreateUser", UserName="Ann")
    with pytest.raises(EntityAlreadyExists, match="User with name ann already exists"):
        await iam("CreateUser", UserName="ann")


async def test_accounts_share_nothing(iam: Any) -> None:
    await iam("CreateUser", UserName="ann")
    with pytest.raises(NoSuchEntity, match="The user with name ann cannot be found"):
        await iam("GetUser", by=OTHER, UserName="ann")
    await iam("CreateUser", by=OTHER, UserName="ann")
    assert [user["UserName"] for user in (await iam("ListUsers", by=OTHER))["Users"]] == ["ann"]


async def test_lists_come_in_pages_and_below_a_path(iam: Any) -> None:
    for number in range(5):
        await iam("CreateUser", UserName=f"u{number}", Path="/a/" if number < 3 else "/b/")
    first = await iam("ListUsers", MaxItems=2)
    second = await iam("ListUsers", MaxItems=2, Marker=first["Marker"])
    last = await iam("ListUsers", MaxItems=2, Marker=second["Marker"])
    names = [user["UserName"] for page in (first, second, last) for user in page["Users"]]
    assert names == ["u0", "u1", "u2", "u3", "u4"]
    assert (first["IsTruncated"], last["IsTruncated"], "Marker" in last) == (True, False, False)
    assert len((await iam("ListUsers", PathPrefix="/a/"))["Users"]) == 3
    with pytest.raises(ValidationError):
        await iam("ListUsers", Marker="é")


async def test_a_renamed_user_keeps_id_and_keys(iam: Any, keys: Keys, doors: Any) -> None:
    user = (await iam("CreateUser", UserName="ann"))["User"]
    key = (await iam("CreateAccessKey", UserName="ann"))["AccessKey"]
    await iam("UpdateUser", UserName="ann", NewUserName="Anne", NewPath="/x/")
    assert (await iam("GetUser", UserName="Anne"))["User"]["UserId"] == user["UserId"]
    found = await keys.lookup(key["AccessKeyId"])
    assert found is not None
    assert found.principal.arn == "arn:aws:iam::123456789012:user/x/Anne"
    assert doors.told == [[]]


async def test_a_user_who_still_has_something_cannot_be_deleted(iam: Any) -> None:
    document = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}'
    await iam("CreateUser", UserName="ann")
    key = (await iam("CreateAccessKey", UserName="ann"))["AccessKey"]["AccessKeyId"]
    await iam("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=document)
    await iam("AttachUserPolicy", UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    for words, undo, members in [
        ("must delete access keys first", "DeleteAccessKey", {"AccessKeyId": key}),
        (
            "must detach all policies first",
            "DetachUserPolicy",
            {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
        ("must delete policies first", "DeleteUserPolicy", {"PolicyName": "p"}),
    ]:
        with pytest.raises(DeleteConflict, match=words):
            await iam("DeleteUser", UserName="ann")
        await iam(undo, UserName="ann", **members)
    await iam("DeleteUser", UserName="ann")
    with pytest.raises(NoSuchEntity):
        await iam("GetUser", UserName="ann")


async def test_a_key_opens_the_door_until_it_is_switched_off_or_deleted(iam: Any, keys: Keys, doors: Any) -> None:
    await iam("CreateUser", UserName="ann")
    key = (await iam("CreateAccessKey", UserName="ann"))["AccessKey"]
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key["AccessKeyId"])
    assert len(key["SecretAccessKey"]) == 40
    found = await keys.lookup(key["AccessKeyId"])
    assert found is not None
    assert (found.secret, found.active) == (key["SecretAccessKey"], True)
    await iam("UpdateAccessKey", UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    found = await keys.lookup(key["AccessKeyId"])
    assert found is not None
    assert not found.active
    await iam("DeleteAccessKey", UserName="ann", AccessKeyId=key["AccessKeyId"])
    assert await keys.lookup(key["AccessKeyId"]) is None
    assert doors.told == [[key["AccessKeyId"]], [key["AccessKeyId"]]]


async def test_secrets_are_not_in_the_database(iam: Any, store: Any) -> None:
    await iam("CreateUser", UserName="ann")
    key = (await iam("CreateAccessKey", UserName="ann"))["AccessKey"]
    row = await store.read(lambda tx: tx.one(store.sql.access_key, access_key_id=key["AccessKeyId"]))
    assert key["SecretAccessKey"].encode() not in row["secret"]


async def test_two_keys_for_each_user_and_no_third(iam: Any) -> None:
    await iam("CreateUser", UserName="ann", Path="/team/")
    ids = [(await iam("CreateAccessKey", by=ANN))["AccessKey"]["AccessKeyId"] for _ in range(2)]
    with pytest.raises(LimitExceeded, match="Cannot exceed quota for AccessKeysPerUser: 2"):
        await iam("CreateAccessKey", UserName="ann")
    listed = (await iam("ListAccessKeys", by=ANN))["AccessKeyMetadata"]
    assert sorted(ids) == [key["AccessKeyId"] for key in listed]
    assert {key["Status"] for key in listed} == {"Active"}
    assert all("SecretAccessKey" not in key for key in listed)


async def test_who_is_no_user_must_name_one(iam: Any) -> None:
    with pytest.raises(ValidationError, match="Must specify userName when calling with non-User credentials"):
        await iam("CreateAccessKey")
    assert (await iam("GetUser"))["User"]["Arn"] == "arn:aws:iam::123456789012:root"


async def test_the_last_use_of_a_key_is_noted(iam: Any, keys: Keys, clock: Any) -> None:
    await iam("CreateUser", UserName="ann")
    key_id = (await iam("CreateAccessKey", UserName="ann"))["AccessKey"]["AccessKeyId"]
    unused = await iam("GetAccessKeyLastUsed", AccessKeyId=key_id)
    assert unused == {"UserName": "ann", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    await keys.lookup(key_id, service="lambda", region="eu-west-3")
    await keys.lookup(key_id, service="s3", region="us-east-1")
    used = (await iam("GetAccessKeyLastUsed", AccessKeyId=key_id))["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("lambda", "eu-west-3")
    assert used["LastUsedDate"].timestamp() == clock.now_s()
    with pytest.raises(NoSuchEntity):
        await iam("GetAccessKeyLastUsed", by=OTHER, AccessKeyId=key_id)


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("UpdateAccessKey", {"UserName": "ann", "AccessKeyId": "AKIAUNKNOWNUNKNOWN00", "Status": "Active"}),
        ("DeleteAccessKey", {"UserName": "ann", "AccessKeyId": "AKIAUNKNOWNUNKNOWN00"}),
        ("GetUserPolicy", {"UserName": "ann", "PolicyName": "none"}),
        ("DeleteUserPolicy", {"UserName": "ann", "PolicyName": "none"}),
        ("DetachUserPolicy", {"UserName": "ann", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("AttachUserPolicy", {"UserName": "ann", "PolicyArn": "arn:aws:iam::aws:policy/NoSuchPolicy"}),
        ("DeleteUser", {"UserName": "bob"}),
        ("TagUser", {"UserName": "bob", "Tags": []}),
    ],
)
async def test_what_is_not_there_is_said_so(iam: Any, name: str, request_: dict[str, Any]) -> None:
    await iam("CreateUser", UserName="ann")
    with pytest.raises(NoSuchEntity):
        await iam(name, **request_)


async def test_tags_are_merged_whatever_their_case_and_bounded(iam: Any) -> None:
    await iam("CreateUser", UserName="ann", Tags=[{"Key": "Team", "Value": "a"}])
    await iam("TagUser", UserName="ann", Tags=[{"Key": "team", "Value": "b"}, {"Key": "x", "Value": ""}])
    tags = (await iam("ListUserTags", UserName="ann"))["Tags"]
    assert tags == [{"Key": "team", "Value": "b"}, {"Key": "x", "Value": ""}]
    await iam("UntagUser", UserName="ann", TagKeys=["TEAM", "absent"])
    assert (await iam("ListUserTags", UserName="ann"))["Tags"] == [{"Key": "x", "Value": ""}]
    with pytest.raises(LimitExceeded):
        await iam("TagUser", UserName="ann", Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    with pytest.raises(InvalidInput, match="Duplicate tag keys"):
        await iam("TagUser", UserName="ann", Tags=[{"Key": "k", "Value": ""}, {"Key": "K", "Value": ""}])


async def test_a_permissions_boundary_is_refused_by_name(iam: Any) -> None:
    refused: type[ServiceError] = NotImplementedByLambent
    with pytest.raises(refused, match="PermissionsBoundary"):
        await iam("CreateUser", UserName="ann", PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess")


async def test_the_account_is_summed_up(iam: Any) -> None:
    await iam("CreateUser", UserName="ann")
    summary = (await iam("GetAccountSummary"))["SummaryMap"]
    assert (summary["Users"], summary["Roles"], summary["Policies"]) == (1, 0, 0)
    assert (await iam("ListAccountAliases"))["AccountAliases"] == []
