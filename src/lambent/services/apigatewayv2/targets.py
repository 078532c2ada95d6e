"""Whether the URI of an integration can lead to a function or a server (`mapping.uris` says where). Pure."""

from urllib.parse import urlsplit

from lambent.mapping.uris import VARIABLE, function_of

STAND_IN = "x"  # for a variable, where only the form matters


def is_url(uri: str) -> bool:
    """Whether the URI can be that of a server, whatever the stage's variables are."""
    text = VARIABLE.sub(STAND_IN, uri)
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        return False


def names_function(uri: str) -> bool:
    """Whether the URI can name a function, whatever the stage's variables are."""
    return function_of(VARIABLE.sub(STAND_IN, uri), {}) is not None
