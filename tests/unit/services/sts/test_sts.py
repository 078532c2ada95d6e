"""STS with IAM's own keys behind it. Source: STS API Reference, the page of each operation."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.errors import NotImplementedByLambent, ServiceError, ValidationError
from lambent.ids import SystemIds
from lambent.model.principal import Principal
from lambent.services.iam.api import NoDoors
from lambent.services.iam.keys import Keys, KeySettings
from lambent.services.iam.service import iam_operations
from lambent.services.iam.store import IamStore
from lambent.services.operation import RequestContext
from lambent.services.sts.service import sts_operations
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_memory
from lambent.vault import Vault

ACCOUNT = "123456789012"
ROOT = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
STRANGER = Principal("999999999999", "arn:aws:iam::999999999999:root", "999999999999")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


class House:
    """IAM and STS together, as control has them."""

    def __init__(self, store: IamStore, path: Path) -> None:
        clock, ids, vault = FakeClock(), SystemIds(), Vault(bytes(32))
        self.keys = Keys(store, vault, clock, ids, KeySettings(path / "root", ACCOUNT))
        self.now_s = clock.now_s()
        self._operations = iam_operations(store, vault, clock, ids, NoDoors()) | sts_operations(self.keys)

    async def call(self, name: str, by: Principal = ROOT, **request: Any) -> dict[str, Any]:
        return await self._operations[name](RequestContext(by, by.account, "us-east-1", "id"), request) or {}

    async def make_role(self, principal: Any, **more: Any) -> None:
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        await self.call("CreateRole", RoleName="r", AssumeRolePolicyDocument=document, MaxSessionDuration=7200)

    async def principal_of(self, credentials: Any) -> Principal:
        key = await self.keys.lookup(credentials["AccessKeyId"], credentials["SessionToken"])
        assert key is not None
        assert key.secret == credentials["SecretAccessKey"]
        return key.principal


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    database = await open_memory(load_schema("lambent.services.iam"))
    yield House(IamStore(database), tmp_path)
    await database.close()


async def test_everyone_may_ask_who_they_are(house: House) -> None:
    assert await house.call("GetCallerIdentity") == {"UserId": ACCOUNT, "Account": ACCOUNT, "Arn": ROOT.arn}


async def test_an_assumed_role_speaks_for_the_role(house: House) -> None:
    await house.make_role({"AWS": ACCOUNT})
    answer = await house.call("AssumeRole", RoleArn=ROLE, RoleSessionName="job")
    assumed = answer["AssumedRoleUser"]
    assert assumed["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/job"
    assert assumed["AssumedRoleId"].endswith(":job")
    assert answer["Credentials"]["Expiration"].timestamp() == house.now_s + 3600
    principal = await house.principal_of(answer["Credentials"])
    assert await house.call("GetCallerIdentity", by=principal) == {
        "UserId": assumed["AssumedRoleId"],
        "Account": ACCOUNT,
        "Arn": assumed["Arn"],
    }


@pytest.mark.parametrize(
    ("by", "arn"), [(STRANGER, ROLE), (ROOT, ROLE + "x"), (ROOT, ROLE.replace("/r", "/R")), (ROOT, "a" * 20)]
)
async def test_who_is_not_trusted_is_told_what_was_refused(house: House, by: Principal, arn: str) -> None:
    await house.make_role({"AWS": ACCOUNT})
    words = f"User: {by.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
    with pytest.raises(ServiceError) as refused:
        await house.call("AssumeRole", by=by, RoleArn=arn, RoleSessionName="job")
    assert (refused.value.code, refused.value.status, refused.value.message) == ("AccessDenied", 403, words)


async def test_an_external_id_is_asked_for(house: House) -> None:
    await house.make_role({"AWS": "999999999999"}, Condition={"StringEquals": {"sts:ExternalId": "42"}})
    await house.call("AssumeRole", by=STRANGER, RoleArn=ROLE, RoleSessionName="job", ExternalId="42")
    given: dict[str, Any]
    for given in ({}, {"ExternalId": "43"}):
        with pytest.raises(ServiceError, match="not authorized"):
            await house.call("AssumeRole", by=STRANGER, RoleArn=ROLE, RoleSessionName="job", **given)


async def test_sessions_are_no_longer_than_the_role_allows_and_an_hour_in_a_chain(house: House) -> None:
    await house.make_role({"AWS": ACCOUNT})
    wanted: dict[str, Any] = {"RoleArn": ROLE, "RoleSessionName": "job"}
    await house.call("AssumeRole", **wanted, DurationSeconds=7200)
    with pytest.raises(ValidationError, match="exceeds the MaxSessionDuration set for this role"):
        await house.call("AssumeRole", **wanted, DurationSeconds=7201)
    session = Principal(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/r/job", "AROA:job", temporary=True)
    with pytest.raises(ValidationError, match="1 hour session limit for roles assumed by role chaining"):
        await house.call("AssumeRole", by=session, **wanted, DurationSeconds=3601)


async def test_a_users_session_is_the_user_wherever_they_move(house: House) -> None:
    user = (await house.call("CreateUser", UserName="ann"))["User"]
    ann = Principal(ACCOUNT, user["Arn"], user["UserId"])
    credentials = (await house.call("GetSessionToken", by=ann))["Credentials"]
    assert credentials["Expiration"].timestamp() == house.now_s + 43_200
    await house.call("UpdateUser", UserName="ann", NewPath="/x/")
    principal = await house.principal_of(credentials)
    assert principal == Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/x/ann", user["UserId"], temporary=True)
    with pytest.raises(ServiceError, match="Cannot call GetSessionToken with session credentials"):
        await house.call("GetSessionToken", by=principal)
    await house.call("DeleteUser", UserName="ann")
    assert await house.keys.lookup(credentials["AccessKeyId"], credentials["SessionToken"]) is None


async def test_a_session_of_the_root_lasts_an_hour(house: House) -> None:
    credentials = (await house.call("GetSessionToken", DurationSeconds=43_200))["Credentials"]
    assert credentials["Expiration"].timestamp() == house.now_s + 3600
    assert (await house.principal_of(credentials)).arn == ROOT.arn


async def test_the_account_of_any_key_is_told(house: House) -> None:
    await house.call("CreateUser", by=STRANGER, UserName="ann")
    key = (await house.call("CreateAccessKey", by=STRANGER, UserName="ann"))["AccessKey"]["AccessKeyId"]
    session = (await house.call("GetSessionToken"))["Credentials"]["AccessKeyId"]
    assert await house.call("GetAccessKeyInfo", AccessKeyId=key) == {"Account": "999999999999"}
    assert await house.call("GetAccessKeyInfo", AccessKeyId=session) == {"Account": ACCOUNT}
    with pytest.raises(ServiceError, match="security token included in the request is invalid"):
        await house.call("GetAccessKeyInfo", AccessKeyId="AKIAUNKNOWNUNKNOWN00")


@pytest.mark.parametrize("name", ["Policy", "PolicyArns", "Tags", "SourceIdentity", "SerialNumber"])
async def test_what_would_not_be_enforced_is_refused_by_name(house: House, name: str) -> None:
    await house.make_role({"AWS": ACCOUNT})
    refused: dict[str, Any] = {name: "x"}
    with pytest.raises(NotImplementedByLambent, match=name):
        await house.call("AssumeRole", RoleArn=ROLE, RoleSessionName="job", **refused)
    with pytest.raises(NotImplementedByLambent, match="AssumeRoleWithWebIdentity"):
        await house.call("AssumeRoleWithWebIdentity", RoleArn=ROLE, RoleSessionName="job", WebIdentityToken="t")
