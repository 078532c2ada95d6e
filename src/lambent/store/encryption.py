"""How a blob is encrypted: in chunks, each sealed with AES-256-GCM under a key that no other blob has.

A chunk's number is its nonce: a key is for one blob, which is written once, so that none comes twice; and a chunk that
was changed, moved or cut is not opened. Each is as long as the others but the last, so that any stretch is found
without a map.

Knows bytes and numbers. Does not know files, nor who keeps the keys.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
CHUNK_BYTES = 64 * 1024  # what a single byte costs to read; larger ones are no faster
TAG_BYTES = 16
SEALED_BYTES = CHUNK_BYTES + TAG_BYTES
NONCE_BYTES = 12


class Sealing:
    """A blob on its way in: gather what makes whole chunks."""

    def __init__(self, key: bytes) -> None:
        self._cipher, self._number, self._rest = AESGCM(key), 0, b""

    def update(self, data: bytes) -> bytes:
        """What is to be written, now that `data` has come."""
        data = self._rest + data
        whole = len(data) - len(data) % CHUNK_BYTES
        self._rest = data[whole:]
        view = memoryview(data)
        return b"".join([self._seal(view[at : at + CHUNK_BYTES]) for at in range(0, whole, CHUNK_BYTES)])

    def finish(self) -> bytes:
        """What is to be written last."""
        return self._seal(self._rest) if self._rest else b""

    def _seal(self, chunk: bytes | memoryview) -> bytes:
        number, self._number = self._number, self._number + 1
        return self._cipher.encrypt(_nonce(number), chunk, None)


def sealed_range(begin: int, end: int) -> tuple[int, int]:
    """Where those chunks lie in the file that hold the bytes from `begin` to before `end`."""
    return begin // CHUNK_BYTES * SEALED_BYTES, -(-end // CHUNK_BYTES) * SEALED_BYTES


def opened(key: bytes, sealed: bytes, place: int) -> bytes:
    """What is in the chunks that lie one after the other from `place` on in the file.

    Raises:
        ValueError: they are not what was written with this key.
    """
    cipher, view, first = AESGCM(key), memoryview(sealed), place // SEALED_BYTES
    try:
        return b"".join(
            [
                cipher.decrypt(_nonce(first + number), view[at : at + SEALED_BYTES], None)
                for number, at in enumerate(range(0, len(sealed), SEALED_BYTES))
            ]
        )
    except InvalidTag:
        raise ValueError("a chunk was changed since it was written") from None


def _nonce(number: int) -> bytes:
    return number.to_bytes(NONCE_BYTES, "big")
