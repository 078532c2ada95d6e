"""Secrets at rest and in tokens, under one master key.

What must be read again (the secret of a long-lived access key, a function's environment variables, small objects and
the keys of large ones) is kept sealed with AES-GCM, under a key for each `Purpose` that is derived from the master key;
the name of what it belongs to is bound in. Of objects there are so many that random nonces would come twice one day:
each has a key of its own, derived from that of the purpose and its name.

Temporary credentials are kept nowhere: the session token carries them (docs/decisions/0004-temporary-credentials.md).
From the master key and 16 random bytes one HMAC gives 64: 32 encrypt the token, 30 are the secret key. A token's key is
used once, so its nonce can be constant, and no number of tokens wears it out.

Knows: bytes and keys. Does not know: the clock, principals, or the database.
"""

import hmac
import os
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lambent.errors import Hopeless, LambentError
from lambent.store.private_file import read_or_make

MASTER_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
_ONCE = bytes(NONCE_BYTES)
_TOKEN_VERSION = b"\x01"


class Purpose(StrEnum):
    """What is sealed; each has a key of its own, made from these words, which must never change."""

    ACCESS_KEYS = "lambent secret keys at rest"
    VARIABLES = "lambent environment variables at rest"
    OBJECTS = "lambent objects at rest"


OF_MANY = frozenset({Purpose.OBJECTS})


class SealBroken(LambentError):
    """What is kept cannot be opened: the master key is not the one that sealed it."""


class NoMasterKey(SealBroken, Hopeless):
    """The key itself is not where it was, or another one is in its place."""


class Vault:
    """Seals and opens. The same master key opens what it sealed before a restart."""

    def __init__(self, master: bytes) -> None:
        if len(master) != MASTER_BYTES:
            raise ValueError(f"the master key has {len(master)} bytes instead of {MASTER_BYTES}")
        self._keys = {each: hmac.digest(master, each.encode(), "sha256") for each in Purpose}
        self._at_rest = {each: AESGCM(key) for each, key in self._keys.items() if each not in OF_MANY}
        self._tokens = hmac.digest(master, b"lambent session tokens", "sha512")
        self.mark = hmac.digest(master, b"lambent which master key this is", "sha256").hex().encode() + b"\n"

    def seal(self, purpose: Purpose, owner: str, secret: bytes) -> bytes:
        """`secret`, which belongs to `owner`, for the database."""
        nonce = os.urandom(NONCE_BYTES)  # a nonce must never come twice, not even from a fake `Ids`
        return nonce + self._cipher(purpose, owner).encrypt(nonce, secret, owner.encode())

    def open(self, purpose: Purpose, owner: str, sealed: bytes) -> bytes:
        """The secret in `sealed`.

        Raises:
            SealBroken: another master key sealed it, or for another purpose or owner.
        """
        try:
            return self._cipher(purpose, owner).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):  # a ValueError: it is too short to be sealed
            raise SealBroken(f"the secret of {owner} was not sealed with this master key") from None

    def make_token(self, access_key_id: str, claims: bytes, salt: bytes) -> tuple[str, str]:
        """A fresh secret key and the session token that carries `claims`; `salt` is used once."""
        key, secret = self._derive(access_key_id, salt)
        sealed = AESGCM(key).encrypt(_ONCE, claims, access_key_id.encode())
        return secret, b64encode(_TOKEN_VERSION + salt + sealed).decode()

    def open_token(self, access_key_id: str, token: str) -> tuple[str, bytes] | None:
        """The secret key and the claims of a token that `make_token` gave for this key, else None."""
        try:
            raw = b64decode(token.encode("ascii"), validate=True)
        except ValueError:  # binascii.Error and UnicodeEncodeError are ValueErrors
            return None
        salt, sealed = raw[1 : 1 + SALT_BYTES], raw[1 + SALT_BYTES :]
        if raw[:1] != _TOKEN_VERSION or len(sealed) < 16 or b64encode(raw).decode() != token:
            return None
        key, secret = self._derive(access_key_id, salt)
        try:
            return secret, AESGCM(key).decrypt(_ONCE, sealed, access_key_id.encode())
        except InvalidTag:
            return None

    def _cipher(self, purpose: Purpose, owner: str) -> AESGCM:
        if purpose in OF_MANY:
            return AESGCM(hmac.digest(self._keys[purpose], owner.encode(), "sha256"))
        return self._at_rest[purpose]

    def _derive(self, access_key_id: str, salt: bytes) -> tuple[bytes, str]:
        made = hmac.digest(self._tokens, salt + access_key_id.encode(), "sha512")
        return made[:32], b64encode(made[32:62]).decode()


def open_vault(path: Path, *, needed: bool = False) -> Vault:
    """The vault whose master key is in the file at `path`, made when there is none, unless something is sealed already.

    A file beside it has its mark: another key would open nothing, and each request would find that out anew.

    Raises:
        NoMasterKey: the file holds something else or another key, or is `needed` and gone.
    """
    mark = path.with_suffix(".mark")
    if (needed or mark.exists()) and not path.exists():
        raise NoMasterKey(f"{path} is missing, and without it the secrets beside it cannot be read: put it back")
    text = read_or_make(path, lambda: urlsafe_b64encode(os.urandom(MASTER_BYTES)) + b"\n")
    try:
        vault = Vault(urlsafe_b64decode(text.strip()))
    except ValueError:  # binascii.Error is a ValueError
        raise NoMasterKey(f"{path} does not hold a master key; without the right one no secret can be read") from None
    if read_or_make(mark, lambda: vault.mark) != vault.mark:
        raise NoMasterKey(f"{path} is another key than the one that sealed the secrets beside it: put that one back")
    return vault
