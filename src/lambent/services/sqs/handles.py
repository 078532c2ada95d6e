"""Receipt handles: which message, and which of its receives, sealed by the queue's own key. Pure.

A handle that was not given out by this queue is told from one that is merely old. Old ones matter: a standard queue
answers their deletion without deleting, a FIFO queue refuses it.
"""

import hashlib
import hmac
import struct
from base64 import b64decode, b64encode
from binascii import Error

from lambent.services.sqs.errors import ReceiptHandleIsInvalid

_FORM = struct.Struct(">QI")
_SEAL_BYTES = 12


def make_handle(key: bytes, message: int, receives: int) -> str:
    """The handle of the `receives`-th receive of a message."""
    plain = _FORM.pack(message, receives)
    return b64encode(plain + _seal(key, plain)).decode()


def read_handle(key: bytes, handle: str) -> tuple[int, int]:
    """The message and the receive.

    Raises:
        ReceiptHandleIsInvalid: this queue never gave it out.
    """
    try:
        raw = b64decode(handle, validate=True)
    except (Error, ValueError):
        raise _unknown(handle) from None
    plain, seal = raw[: _FORM.size], raw[_FORM.size :]
    if len(plain) != _FORM.size or not hmac.compare_digest(seal, _seal(key, plain)):
        raise _unknown(handle)
    message, receives = _FORM.unpack(plain)
    return message, receives


def _seal(key: bytes, plain: bytes) -> bytes:
    return hashlib.blake2b(plain, key=key, digest_size=_SEAL_BYTES).digest()


def _unknown(handle: str) -> ReceiptHandleIsInvalid:
    return ReceiptHandleIsInvalid(f'The input receipt handle "{handle[:200]}" is not a valid receipt handle.')
