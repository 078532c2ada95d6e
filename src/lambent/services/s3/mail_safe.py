"""User metadata that is not US-ASCII, as headers carry it. Pure.

Source: S3 User Guide, "User-defined object metadata": values are decoded by RFC 2047 before they are stored, and
encoded by it when they are answered; bytes that are neither stand for the characters of Latin-1, as its example has it.
"""

import re
from base64 import b64encode
from email.errors import HeaderParseError
from email.header import decode_header, make_header

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
    """What a header says of it."""
    if text.isascii() and text.isprintable():
        return text
    return f"=?UTF-8?B?{b64encode(text.encode()).decode()}?="
