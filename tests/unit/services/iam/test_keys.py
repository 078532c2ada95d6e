"""Every access key that can knock at the door, and the sessions that the platform hands out.

Sources: IAM User Guide, "IAM identifiers" (AKIA, ASIA); Lambda Developer Guide, "Defining Lambda
function permissions with an execution role"; the wording of Lambda's refusal is in behaviours.md.
"""

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.ids import SystemIds
from lambent.model.principal import Principal
from lambent.services.iam.keys import Keys, KeySettings, RoleNotAssumable, RootKeyDamaged
from lambent.store.private_file import read_or_make
from lambent.vault import NoMasterKey, Purpose, SealBroken, Vault, open_vault

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:role/service-role/r"


def trust(service: str = "lambda.amazonaws.com", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


async def make_role(iam: Any, document: str | None = None) -> None:
    await iam("CreateRole", RoleName="r", Path="/service-role/", AssumeRolePolicyDocument=document or trust())


def keys_with(store: Any, vault: Vault, path: Path, *, dev: bool) -> Keys:
    return Keys(store, vault, FakeClock(), SystemIds(), KeySettings(path, ACCOUNT, dev_credentials=dev))


async def test_the_root_key_is_made_once_and_kept_for_its_owner_only(store: Any, vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "data" / "root-key.json"
    made = await keys_with(store, vault, path, dev=False).root_key()
    assert json.loads(path.read_text()) == {"AccessKeyId": made.access_key_id, "SecretAccessKey": made.secret}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["root-key.json"]
    again = keys_with(store, vault, path, dev=False)
    assert await again.root_key() == made == await again.lookup(made.access_key_id)
    assert made.principal == Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)


async def test_a_root_key_that_others_may_read_is_not_used(store: Any, vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "root-key.json"
    await keys_with(store, vault, path, dev=False).root_key()
    path.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        await keys_with(store, vault, path, dev=False).root_key()


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"'])
async def test_a_root_key_file_with_something_else_is_named(
    store: Any, vault: Vault, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "root-key.json"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(RootKeyDamaged, match="does not hold a root access key: put it back, or remove it"):
        await keys_with(store, vault, path, dev=False).root_key()


def test_of_two_that_make_the_same_secret_both_get_the_first(tmp_path: Path) -> None:
    path = tmp_path / "secret"

    def make_late() -> bytes:
        assert read_or_make(path, lambda: b"first") == b"first"
        return b"second"

    assert read_or_make(path, make_late) == b"first"
    assert os.listdir(tmp_path) == ["secret"]


def test_the_master_key_is_made_once_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    sealed = open_vault(path).seal(Purpose.ACCESS_KEYS, "AKIA", b"secret")
    assert open_vault(path).open(Purpose.ACCESS_KEYS, "AKIA", sealed) == b"secret"
    for other, purpose, owner in (
        (path, Purpose.ACCESS_KEYS, "AKIB"),
        (path, Purpose.VARIABLES, "AKIA"),
        (tmp_path / "other.key", Purpose.ACCESS_KEYS, "AKIA"),
    ):
        with pytest.raises(SealBroken):
            open_vault(other).open(purpose, owner, sealed)
    with pytest.raises(SealBroken):
        open_vault(path).open(Purpose.ACCESS_KEYS, "AKIA", sealed[:5])
    path.write_bytes(b"short")
    with pytest.raises(SealBroken, match="does not hold a master key"):
        open_vault(path)


async def test_development_keys_are_there_only_when_asked_for(store: Any, vault: Vault, tmp_path: Path) -> None:
    strict = keys_with(store, vault, tmp_path / "k", dev=False)
    assert await strict.lookup("test") is None
    assert await strict.lookup("111122223333") is None
    dev = keys_with(store, vault, tmp_path / "k", dev=True)
    test, other = await dev.lookup("test"), await dev.lookup("111122223333", "any token")
    assert test is not None
    assert other is not None
    assert (test.secret, test.principal.arn) == ("test", f"arn:aws:iam::{ACCOUNT}:root")
    assert (other.secret, other.principal.arn) == ("test", "arn:aws:iam::111122223333:root")
    assert await dev.lookup("\uff11" * 12) is None


async def test_lambda_may_assume_a_role_that_trusts_it_at_exactly_its_arn(iam: Any, keys: Keys) -> None:
    await make_role(iam)
    assert await keys.assumable_by_lambda(ARN, ACCOUNT)
    assert not await keys.assumable_by_lambda(f"arn:aws:iam::{ACCOUNT}:role/r", ACCOUNT)
    assert not await keys.assumable_by_lambda(ARN.replace("/r", "/R"), ACCOUNT)
    assert not await keys.assumable_by_lambda(ARN.replace(ACCOUNT, "999999999999"), ACCOUNT)
    assert not await keys.assumable_by_lambda("no arn", ACCOUNT)
    await iam("UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=trust("events.amazonaws.com"))
    assert not await keys.assumable_by_lambda(ARN, ACCOUNT)


async def test_a_role_serves_no_other_account(iam: Any, keys: Keys) -> None:
    """IAM User Guide, "Grant a user permissions to pass a role to an AWS service": not across accounts."""
    await make_role(iam)
    assert not await keys.assumable_by_lambda(ARN, "999999999999")
    assert not await keys.assumable_by(ARN, "lambda.amazonaws.com", "999999999999", f"arn:aws:lambda:::{ACCOUNT}:x")
    with pytest.raises(RoleNotAssumable):
        await keys.mint_for_function(ARN, "999999999999", "f")


async def test_a_source_condition_is_judged(iam: Any, keys: Keys) -> None:
    await make_role(iam, trust(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}))
    assert await keys.assumable_by_lambda(ARN, ACCOUNT)
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    pattern = function.replace(":f", ":*")
    document = trust(Condition={"ArnLike": {"aws:SourceArn": pattern}})
    await iam("UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=document)
    assert await keys.assumable_by_lambda(ARN, ACCOUNT, function)
    assert not await keys.assumable_by_lambda(ARN, ACCOUNT, function.replace("us-east-1", "eu-west-3"))
    assert not await keys.assumable_by_lambda(ARN, ACCOUNT)


async def test_an_environment_gets_credentials_of_its_role(iam: Any, keys: Keys, clock: FakeClock) -> None:
    await make_role(iam)
    made = await keys.mint_for_function(ARN, ACCOUNT, "thumbnail")
    assert re.fullmatch(r"ASIA[A-Z2-7]{16}", made.access_key_id)
    assert made.expires_s == clock.now_s() + 12 * 3600
    key = await keys.lookup(made.access_key_id, made.session_token)
    assert key is not None
    assert (key.secret, key.session_token, key.expires_s) == (made.secret, made.session_token, made.expires_s)
    role_id = (await iam("GetRole", RoleName="r"))["Role"]["RoleId"]
    assert key.principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/thumbnail"
    assert key.principal.user_id == f"{role_id}:thumbnail"
    assert key.principal.temporary
    assert await keys.account_of(made.access_key_id) == ACCOUNT


async def test_a_role_that_is_not_there_gives_nothing(iam: Any, keys: Keys) -> None:
    with pytest.raises(RoleNotAssumable, match=r"The role defined for the function cannot be assumed by Lambda\."):
        await keys.mint_for_function(ARN, ACCOUNT, "f")


async def test_a_session_ends_with_its_role_even_if_another_takes_the_name(iam: Any, keys: Keys) -> None:
    await make_role(iam)
    made = await keys.mint_for_function(ARN, ACCOUNT, "f")
    await iam("DeleteRole", RoleName="r")
    assert await keys.lookup(made.access_key_id, made.session_token) is None
    await make_role(iam)
    assert await keys.lookup(made.access_key_id, made.session_token) is None


async def test_sessions_outlive_a_restart_but_not_another_master_key(
    iam: Any, keys: Keys, store: Any, vault: Vault, tmp_path: Path
) -> None:
    await make_role(iam)
    made = await keys.mint_for_function(ARN, ACCOUNT, "f")
    restarted = keys_with(store, Vault(bytes(range(32))), tmp_path / "k", dev=False)
    assert await restarted.lookup(made.access_key_id, made.session_token) is not None
    stranger = keys_with(store, Vault(bytes(32)), tmp_path / "k", dev=False)
    assert await stranger.lookup(made.access_key_id, made.session_token) is None


async def test_a_token_with_any_character_changed_is_nobodys(iam: Any, keys: Keys) -> None:
    await make_role(iam)
    made = await keys.mint_for_function(ARN, ACCOUNT, "f")
    token, key_id = made.session_token, made.access_key_id
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert await keys.lookup(key_id, changed) is None
    other = await keys.mint_for_function(ARN, ACCOUNT, "f")
    assert await keys.lookup(other.access_key_id, token) is None
    for garbage in ("x", "é", token[:20], token + "=", "A" * 24):
        assert await keys.lookup(key_id, garbage) is None
    assert await keys.lookup(key_id) is None


async def test_no_two_sessions_share_anything(iam: Any, keys: Keys) -> None:
    await make_role(iam)
    made = [await keys.mint_for_function(ARN, ACCOUNT, "f") for _ in range(50)]
    for field in ("access_key_id", "secret", "session_token"):
        assert len({getattr(credentials, field) for credentials in made}) == 50


def test_another_master_key_than_the_one_that_sealed_is_told_at_once(tmp_path: Path) -> None:
    """As when a backup is put together from two servers."""
    (tmp_path / "other").mkdir()
    path, other = tmp_path / "master.key", tmp_path / "other" / "master.key"
    open_vault(path)
    open_vault(other)
    kept = path.read_bytes()
    path.write_bytes(other.read_bytes())
    with pytest.raises(NoMasterKey, match=r"master.key is another key than the one that sealed .*: put that one back"):
        open_vault(path)
    path.unlink()
    with pytest.raises(NoMasterKey, match="is missing"):  # also where nothing else says that it was there
        open_vault(path)
    path.touch(mode=0o600)
    path.write_bytes(kept)
    open_vault(path)


def test_a_data_folder_of_before_there_were_marks_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    open_vault(path)
    path.with_suffix(".mark").unlink()
    open_vault(path, needed=True)
    assert path.with_suffix(".mark").stat().st_mode & 0o777 == 0o600


def test_no_new_master_key_is_made_where_something_is_sealed_already(tmp_path: Path) -> None:
    with pytest.raises(NoMasterKey, match=r"master.key is missing, .* put it back"):
        open_vault(tmp_path / "master.key", needed=True)
    assert list(tmp_path.iterdir()) == []
    open_vault(tmp_path / "master.key")
    open_vault(tmp_path / "master.key", needed=True)
