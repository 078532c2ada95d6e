"""User metadata that is not US-ASCII, as headers carry it. Pure.

Source: S3 User Guide, "User-defined object metadata": values are decoded by RFC 2047 before they are stored, and
encoded by it when they are answered; bytes that are neither stand for the characters of Latin-1, as its example has it.
Which of the two encodings it is: as S3 answers.
"""

import re
from base64 import b64encode
from email.errors import HeaderParseError
from email.header import decode_header, make_header

SPACE, DELETE, SPECIAL = 0x20, 0x7F, b"=_?"
WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")


def decoded(text: str) -> str:
    """What is stored of a header's value."""
    if not WORD.search(text):
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError):
        return text


def encoded(text: str) -> str:
    """What a header says of it: quoted where most of it is ASCII, in base64 otherwise."""
    strange = sum(map(_is_strange, text))
    if not strange:
        return text
    if strange * 2 < len(text):
        return f"=?UTF-8?Q?{''.join(map(_quoted, text.encode()))}?="
    return f"=?UTF-8?B?{b64encode(text.encode()).decode()}?="


def _is_strange(sign: str) -> bool:
    return not (" " <= sign < "\x7f" or sign == "\t")


def _quoted(byte: int) -> str:
    if byte == SPACE:
        return "_"
    return chr(byte) if SPACE < byte < DELETE and byte not in SPECIAL else f"={byte:02X}"
