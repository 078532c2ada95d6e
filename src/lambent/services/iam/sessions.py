"""Temporary credentials: claims in, an access key id, a secret and a token out, and back.

No write and no read: everything is in the token (docs/decisions/0004-temporary-credentials.md).
The access key id carries the account, as AWS's own do, so that GetAccessKeyInfo can tell it.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from lambent.ids import ALPHABET, Ids
from lambent.model.principal import AccessKey, Principal, TemporaryCredentials
from lambent.vault import SALT_BYTES, Vault

PREFIX = "ASIA"
ACCOUNT_LETTERS = 8  # 32^8 > 10^12
RANDOM_LETTERS = 8


class Claims(Struct, frozen=True, array_like=True):
    """Whose session it is. `unique_id` is the role's or user's own; a root session has the account."""

    kind: Literal["role", "user", "root"]
    account: str
    name: str
    unique_id: str
    expires_s: int
    session_name: str = ""


def session_principal(claims: Claims, role_arn: str = "") -> Principal:
    """Whom the session of a role, which has that ARN, or of the root speaks for. A user's ARN has a path, which is not
    in the claims, for users move."""
    account, name = claims.account, claims.session_name
    if claims.kind == "role":
        arn = f"arn:aws:sts::{account}:assumed-role/{claims.name}/{name}"
        return Principal(account, arn, f"{claims.unique_id}:{name}", temporary=True, role_arn=role_arn)
    return Principal(account, f"arn:aws:iam::{account}:root", account, temporary=True)


def mint(vault: Vault, ids: Ids, claims: Claims, principal: Principal) -> TemporaryCredentials:
    """Fresh credentials for `claims`, which speak for `principal`."""
    access_key_id = PREFIX + _letters(int(claims.account), ACCOUNT_LETTERS) + ids.letters(RANDOM_LETTERS)
    salt = bytes.fromhex(ids.hex(2 * SALT_BYTES))
    secret, token = vault.make_token(access_key_id, msgspec.msgpack.encode(claims), salt)
    return TemporaryCredentials(access_key_id, secret, token, float(claims.expires_s), principal)


def claims_of(vault: Vault, access_key_id: str, token: str) -> tuple[str, Claims] | None:
    """The secret and the claims behind a key and its token; None when they are not ours."""
    opened = vault.open_token(access_key_id, token)
    if opened is None:
        return None
    secret, raw = opened
    return secret, msgspec.msgpack.decode(raw, type=Claims)


def temporary_key(access_key_id: str, token: str, secret: str, claims: Claims, principal: Principal) -> AccessKey:
    """The access key of a session, for the door."""
    return AccessKey(access_key_id, secret, principal, session_token=token, expires_s=float(claims.expires_s))


def account_in(access_key_id: str) -> str | None:
    """The account that a temporary access key id names; None when it is not of that form."""
    letters = access_key_id[len(PREFIX) : len(PREFIX) + ACCOUNT_LETTERS]
    if not access_key_id.startswith(PREFIX) or len(access_key_id) != 20 or not set(access_key_id[4:]) <= set(ALPHABET):
        return None
    number = 0
    for letter in letters:
        number = number * 32 + ALPHABET.index(letter)
    return f"{number:012d}" if number < 10**12 else None


def _letters(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> (5 * place) & 31] for place in reversed(range(length)))
