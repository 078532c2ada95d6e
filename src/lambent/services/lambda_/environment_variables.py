"""What a function's own environment variables may be.

Source: Lambda quotas (4 KB over all keys and values as JSON); behaviours section 6 for the words.
"""

import json
from collections.abc import Mapping

from lambent.environment.variables import RESERVED
from lambent.services.lambda_.errors import InvalidParameter

PREFIX = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided "
)


def check_variables(variables: Mapping[str, str], limit_bytes: int) -> None:
    """Raises InvalidParameter: a reserved name, too much in all, or what no process could be given."""
    reserved = sorted(RESERVED & variables.keys())
    if reserved:
        raise InvalidParameter(
            f"{PREFIX}contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    text = json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False)
    if len(text.encode("utf-8", "surrogatepass")) > limit_bytes:
        raise InvalidParameter(f"{PREFIX}exceeded the {limit_bytes // 1024}KB limit. String measured: {text}")
    for name, value in variables.items():
        if "\0" in value or not is_unicode(name + value):
            raise InvalidParameter(f"{PREFIX}contains a value that no variable can have: {name}")


def is_unicode(text: str) -> bool:
    """Whether `text` can be written down: JSON can carry half of a surrogate pair, UTF-8 cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
