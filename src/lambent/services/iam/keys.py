"""The keys that open the door, and the sessions that the platform hands out.

What other parts ask of IAM, in Python: which access key is this, may this role be assumed, give me
credentials for it. Knows four kinds of key: the root key (made at first start), users' keys,
temporary keys, and with `dev_credentials` the well-known `test` and the twelve digits of an
account, both with the secret `test`, as other local endpoints have them.
"""

import asyncio
import json
import re
from pathlib import Path

from msgspec import Struct, structs

from lambent.arn import parse_arn
from lambent.clock import Clock
from lambent.errors import Hopeless, ServiceError
from lambent.ids import Ids
from lambent.model.principal import AccessKey, AssumableRole, Principal, TemporaryCredentials
from lambent.services.iam.model import Role, User, role_of, user_of
from lambent.services.iam.resource import USER_ARN
from lambent.services.iam.sessions import Claims, account_in, claims_of, mint, session_principal, temporary_key
from lambent.services.iam.store import IamStore
from lambent.services.iam.trust import trusts
from lambent.services.request_keys import principal_keys
from lambent.store.api import Row, Transaction
from lambent.store.private_file import read_or_make
from lambent.vault import Purpose, SealBroken, Vault

LAMBDA = "lambda.amazonaws.com"
DEV_SECRET = "test"  # noqa: S105 - well-known on purpose
LAST_USE_EVERY_MS = 15 * 60 * 1000
FUNCTION_SESSION_S = 12 * 3600
_ACCOUNT = re.compile(r"[0-9]{12}")


class KeySettings(Struct, frozen=True):
    """`root_key` is the file that keeps the root key, as JSON; `account` is the one it belongs to."""

    root_key: Path
    account: str = "000000000000"
    dev_credentials: bool = False


class RootKeyDamaged(SealBroken, Hopeless):
    """The file of the root access key holds something else."""


class RoleNotAssumable(ServiceError):
    """Lambda may not use this role. The words are those of CreateFunction."""

    code, status = "InvalidParameterValueException", 400


class Keys:
    """Answers for every access key. Nothing here is remembered but the root key."""

    def __init__(self, store: IamStore, vault: Vault, clock: Clock, ids: Ids, settings: KeySettings) -> None:
        self._store, self._vault, self._clock, self._ids = store, vault, clock, ids
        self._settings = settings
        self._root: AccessKey | None = None

    async def root_key(self) -> AccessKey:
        """The root access key, made and kept on disk at the first start.

        Raises:
            RootKeyDamaged: its file holds something else.
        """
        if self._root is None:
            self._root = await asyncio.to_thread(self._read_root_key)
        return self._root

    async def lookup(
        self, access_key_id: str, session_token: str = "", service: str = "", region: str = ""
    ) -> AccessKey | None:
        """The key called `access_key_id`; None when nobody has it, or when the token is not its own.

        `service` and `region` are noted as the key's last use, at most once in 15 minutes.
        """
        root = await self.root_key()
        if access_key_id == root.access_key_id:
            return root
        if self._settings.dev_credentials:
            account = self._dev_account(access_key_id)
            if account is not None:
                return AccessKey(access_key_id, DEV_SECRET, _root_of(account), session_token=session_token)
        if session_token:
            return await self._lookup_temporary(access_key_id, session_token)
        return await self._lookup_users_key(access_key_id, service, region)

    async def account_of(self, access_key_id: str) -> str | None:
        """The account that an access key belongs to, for GetAccessKeyInfo."""
        temporary = account_in(access_key_id)
        if temporary is not None:
            return temporary
        key = await self.lookup(access_key_id)
        return None if key is None else key.principal.account

    async def assumable_role(self, role_arn: str) -> AssumableRole | None:
        """The role at exactly this ARN, or None."""
        role = await self._role(role_arn)
        if role is None:
            return None
        return AssumableRole(role.arn, role.account, role.name, role.role_id, role.max_session_s, role.trust)

    def trusts_caller(self, role: AssumableRole, caller: Principal, external_id: str, session_name: str) -> bool:
        """Whether the role's trust policy lets `caller` assume it."""
        context = {
            **principal_keys(caller),
            "sts:rolesessionname": session_name,
            **({"sts:externalid": external_id} if external_id else {}),
        }
        return trusts(role.trust_policy, "AWS", caller.arn, context)

    async def assumable_by_lambda(self, role_arn: str, account: str, function_arn: str = "") -> bool:
        """Whether the role is the account's and trusts lambda.amazonaws.com; `function_arn` is the condition
        key aws:SourceArn, where it is known."""
        return await self.assumable_by(role_arn, LAMBDA, account, function_arn)

    async def assumable_by(self, role_arn: str, service: str, account: str, source_arn: str = "") -> bool:
        """Whether the role exists and trusts that service principal, which acts for something of `account`; of another
        account's roles it has none, whoever they trust: that account trusts the service with its own things.
        `source_arn` as for Lambda."""
        role = await self._role(role_arn)
        if role is None or role.account != account:
            return False
        source = {"aws:sourcearn": source_arn} if source_arn else {}
        return trusts(role.trust, "Service", service, {"aws:sourceaccount": role.account, **source})

    def session_for_role(self, role: AssumableRole, session_name: str, duration_s: int) -> TemporaryCredentials:
        """Credentials of the role. Whether the caller may have them is for the caller to have asked."""
        claims = Claims("role", role.account, role.name, role.role_id, self._expires_s(duration_s), session_name)
        return mint(self._vault, self._ids, claims, session_principal(claims, role.arn))

    def session_for_caller(self, caller: Principal, duration_s: int) -> TemporaryCredentials:
        """Credentials that speak for `caller`, a user or the root, for a while."""
        user = USER_ARN.fullmatch(caller.arn)
        name, expires_s = user[1] if user else "", self._expires_s(duration_s)
        claims = Claims("user" if user else "root", caller.account, name, caller.user_id, expires_s)
        return mint(self._vault, self._ids, claims, structs.replace(caller, temporary=True))

    async def mint_for_function(
        self,
        role_arn: str,
        account: str,
        session_name: str,
        duration_s: int = FUNCTION_SESSION_S,
        function_arn: str = "",
    ) -> TemporaryCredentials:
        """Credentials of an execution role for one environment of a function of `account`; its session is named like
        the function.

        Raises:
            RoleNotAssumable: the role is not there, is another account's, or does not trust Lambda.
        """
        role = await self.assumable_role(role_arn)
        if role is None or not await self.assumable_by_lambda(role_arn, account, function_arn):
            raise RoleNotAssumable("The role defined for the function cannot be assumed by Lambda.")
        return self.session_for_role(role, session_name, duration_s)

    async def _role(self, role_arn: str) -> Role | None:
        try:
            arn = parse_arn(role_arn)
        except ValueError:
            return None
        name = arn.resource.rpartition("/")[2]
        row = await self._store.read(
            lambda tx: tx.one(self._store.sql.role, account=arn.account, name_key=name.lower())
        )
        role = None if row is None else role_of(row)
        return role if role is not None and role.arn == role_arn else None

    async def _lookup_users_key(self, access_key_id: str, service: str, region: str) -> AccessKey | None:
        sql, now_ms = self._store.sql, self._clock.now_ms()

        def work(tx: Transaction) -> tuple[Row, User] | None:
            row = tx.one(sql.access_key, access_key_id=access_key_id)
            user = None if row is None else tx.one(sql.user_by_id, user_id=row["user_id"])
            return None if row is None or user is None else (row, user_of(user))

        found = await self._store.read(work)
        if found is None:
            return None
        row, user = found
        if service and now_ms - row["used_ms"] >= LAST_USE_EVERY_MS:
            use = {"access_key_id": access_key_id, "used_ms": now_ms, "service": service, "region": region}
            await self._store.write(lambda tx: tx.run(sql.note_access_key_use, **use))
        secret = self._vault.open(Purpose.ACCESS_KEYS, access_key_id, row["secret"]).decode()
        principal = Principal(user.account, user.arn, user.user_id)
        return AccessKey(access_key_id, secret, principal, active=bool(row["active"]))

    async def _lookup_temporary(self, access_key_id: str, token: str) -> AccessKey | None:
        opened = claims_of(self._vault, access_key_id, token)
        if opened is None:
            return None
        secret, claims = opened
        principal = await self._store.read(lambda tx: self._living(tx, claims))
        return None if principal is None else temporary_key(access_key_id, token, secret, claims, principal)

    def _living(self, tx: Transaction, claims: Claims) -> Principal | None:
        """The principal of a session, while the role or user that it was made for still exists."""
        sql = self._store.sql
        if claims.kind == "root":
            return session_principal(claims)
        if claims.kind == "user":
            row = tx.one(sql.user_by_id, user_id=claims.unique_id)
            return (
                None if row is None else Principal(claims.account, user_of(row).arn, claims.unique_id, temporary=True)
            )
        role = tx.one(sql.role, account=claims.account, name_key=claims.name.lower())
        if role is None or role["role_id"] != claims.unique_id:
            return None
        return session_principal(claims, role_of(role).arn)

    def _expires_s(self, duration_s: int) -> int:
        return int(self._clock.machine_s()) + duration_s

    def _dev_account(self, access_key_id: str) -> str | None:
        if access_key_id == "test":
            return self._settings.account
        return access_key_id if _ACCOUNT.fullmatch(access_key_id) else None

    def _read_root_key(self) -> AccessKey:
        text = read_or_make(self._settings.root_key, self._new_root_key)
        try:
            kept = json.loads(text)
            access_key_id, secret = str(kept["AccessKeyId"]), str(kept["SecretAccessKey"])
        except (ValueError, KeyError, TypeError):
            raise RootKeyDamaged(
                f"{self._settings.root_key} does not hold a root access key: put it back, or remove it for a new one"
            ) from None
        return AccessKey(access_key_id, secret, _root_of(self._settings.account))

    def _new_root_key(self) -> bytes:
        made = {"AccessKeyId": "AKIA" + self._ids.letters(16), "SecretAccessKey": self._ids.secret(40)}
        return json.dumps(made, indent=2).encode() + b"\n"


def _root_of(account: str) -> Principal:
    return Principal(account, f"arn:aws:iam::{account}:root", account)
