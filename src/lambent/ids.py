"""All randomness of the platform: request ids, environment ids, secrets.

Everything that needs a fresh name takes an `Ids`; tests give a `FakeIds`, whose answers are
the same in each run.
"""

import secrets
import uuid
from typing import Protocol

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # base32, as AWS's own unique ids


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
    """Real randomness, from the operating system."""

    def uuid(self) -> str:
        return str(uuid.uuid4())

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
