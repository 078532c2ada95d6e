"""DynamoDB's numbers: 38 digits exactly, as text, and as bytes that sort as the numbers do.

A number's bytes are one for its kind (negative, zero, positive), one for its exponent, then its digits in pairs, each
one more than its value, and an end byte; those of a negative number are turned over after the first. No encoding is
the beginning of another, so that what follows it in a key cannot disturb the order.

Source: DynamoDB Developer Guide, "Supported data types" (38 digits; 1E-130 to 9.9..E+125 and their negatives).
"""

import re
from decimal import Context, Decimal
from functools import lru_cache

from lambent.errors import ValidationError
from lambent.services.dynamodb.errors import invalid

DIGITS = 38
GREATEST_EXPONENT, LEAST_EXPONENT = 125, -130
NEGATIVE, ZERO, POSITIVE = 1, 2, 3
EXACT = Context(prec=600)  # enough for any sum of two numbers
PLAIN = re.compile(r"-?[1-9][0-9]{0,37}|0")
_FORM = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_TURNED = bytes(255 - byte for byte in range(256))


@lru_cache(maxsize=8192)
def normalised(text: str) -> str:
    """The one way in which DynamoDB writes this number: no exponent, no zeros that say nothing.

    Raises:
        ValidationError: it is no number, has too many digits, or is too large or too small.
    """
    if PLAIN.fullmatch(text):
        return text
    if not _FORM.fullmatch(text):
        raise invalid(
            f"The parameter cannot be converted to a numeric value: {text}"
            if text
            else "The parameter cannot be converted to a numeric value"
        )
    return written(Decimal(text))


def written(number: Decimal) -> str:
    """A number as text. Raises ValidationError when it has no place in DynamoDB."""
    if not number:
        return "0"
    digits = number.as_tuple().digits
    if number.adjusted() > GREATEST_EXPONENT:
        raise _out_of_range("overflow", "larger")
    if number.adjusted() < LEAST_EXPONENT:
        raise _out_of_range("underflow", "smaller")
    significant = "".join(map(str, digits)).strip("0")
    if len(significant) > DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _out_of_range(what: str, how: str) -> ValidationError:
    return invalid(f"Number {what}. Attempting to store a number with magnitude {how} than supported range")


def added(left: str, right: str) -> str:
    """The exact sum. Raises ValidationError when it has too many digits."""
    return written(EXACT.add(Decimal(left), Decimal(right)))


def subtracted(left: str, right: str) -> str:
    """The exact difference. Raises ValidationError when it has too many digits."""
    return written(EXACT.subtract(Decimal(left), Decimal(right)))


@lru_cache(maxsize=8192)
def to_bytes(text: str) -> bytes:
    """Bytes that compare as the numbers do; `text` is normalised."""
    number = Decimal(text)
    if not number:
        return bytes([ZERO])
    exponent = number.adjusted()
    digits = "".join(map(str, number.as_tuple().digits)).rstrip("0")
    digits += "0" * (len(digits) % 2)
    pairs = bytes(int(digits[at : at + 2]) + 1 for at in range(0, len(digits), 2))
    body = bytes([exponent - LEAST_EXPONENT]) + pairs + b"\0"
    if number < 0:
        return bytes([NEGATIVE]) + body.translate(_TURNED)
    return bytes([POSITIVE]) + body


def size_of(text: str) -> int:
    """The bytes that a number counts for: one for two digits, and one; one more for a sign.

    Source: Developer Guide, "DynamoDB item sizes and formats"."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
