"""All randomness of the platform: request ids, environment ids, secrets.

Everything that needs a fresh name takes an `Ids`; tests give a `FakeIds`, whose answers are
the same in each run.
"""

import os
import secrets
import uuid
from typing import Protocol

POOL_BYTES = 4096  # asking the kernel for each request id alone cost 3 microseconds of an Invoke
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # base32, as AWS's own unique ids


VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}  # RFC 9562, section 4.1


class Ids(Protocol):
    """Where fresh names come from."""

    def uuid(self) -> str:
        """A random UUID in its 36-character form: request ids, revision ids."""

    def hex(self, length: int) -> str:
        """`length` random hexadecimal digits: environment ids, log stream names."""

    def letters(self, length: int) -> str:
        """`length` random characters of A-Z2-7: the tail of access key ids and unique ids."""

    def secret(self, length: int) -> str:
        """`length` URL-safe characters that nobody can guess: secret keys, session tokens."""

    def fraction(self) -> float:
        """A random number in [0, 1): weighted choices."""


class SystemIds:
    """Real randomness, from the operating system. Not for use in a forked child of its maker."""

    def __init__(self) -> None:
        self._pool, self._at = "", 0  # random digits, of which those before `_at` were given away

    def uuid(self) -> str:
        at = self._at
        if at >= len(self._pool):
            self._pool, at = os.urandom(POOL_BYTES).hex(), 0
        self._at = at + 32
        digits = self._pool[at : at + 32]
        variant = VARIANTS[digits[16]]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def hex(self, length: int) -> str:
        return secrets.token_hex((length + 1) // 2)[:length]

    def letters(self, length: int) -> str:
        return "".join(ALPHABET[byte & 31] for byte in secrets.token_bytes(length))

    def secret(self, length: int) -> str:
        return secrets.token_urlsafe(length)[:length]

    def fraction(self) -> float:
        return secrets.randbits(53) / (1 << 53)


class FakeIds:
    """Counts up: the first UUID ends in 1, the second in 2, and so on."""

    def __init__(self) -> None:
        self._count = 0

    def _next(self) -> int:
        self._count += 1
        return self._count

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._next()))

    def hex(self, length: int) -> str:
        return f"{self._next():0{length}x}"[-length:]

    def letters(self, length: int) -> str:
        number, letters = self._next(), ""
        for _ in range(length):
            letters, number = ALPHABET[number & 31] + letters, number >> 5
        return letters

    def secret(self, length: int) -> str:
        return f"{self._next():0{length}d}"[-length:]

    def fraction(self) -> float:
        return (self._next() * 0.618033988749895) % 1.0
