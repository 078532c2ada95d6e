"""A listing, from keys in their order: common prefixes, pages, where the next begins. Pure but for its sources.

Keys are ordered by their UTF-8 bytes, as on AWS and in SQLite. A common prefix is found by its first key, and
all others that it has are skipped by asking the source anew behind them: a listing costs what it shows, however
many keys lie below the prefixes.

Source: S3 API reference, ListObjectsV2, ListObjects, ListObjectVersions, ListMultipartUploads; answers of the service:
a marker inside a common prefix leaves out the prefix.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote

from msgspec import Struct


class HasKey(Protocol):
    """What is listed."""

    @property
    def key(self) -> str:
        """Its key."""


T = TypeVar("T", bound=HasKey)
Source = Callable[[str], Iterator[T]]


class Wish(Struct, frozen=True):
    """What is to be listed: up to `most` items and prefixes. What `after` names and all before it is left out."""

    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    most: int = 1000
    behind_prefixes: bool = False  # whether `after` leaves out all of the common prefix that it has


class Page(Struct, Generic[T]):
    """A page. `last` is the last key or common prefix on it."""

    items: list[T]
    prefixes: list[str]
    truncated: bool = False
    last: str = ""


def list_page(wish: Wish, source: Source[T], rest: Iterable[T] = ()) -> Page[T]:
    """A page of what `source` gives from a key on.

    Args:
        wish: what is wanted. A marker that is a common prefix leaves out all that has it.
        source: what there is from a key on.
        rest: what there is of the marker's own key and was not on the page before.
    """
    page: Page[T] = Page([], [])
    at: str | None = max(wish.prefix, _behind(wish), key=str.encode)
    assert at is not None
    has_rest = wish.after.startswith(wish.prefix) and not _is_behind_prefix(wish)
    at = _go_on(page, wish, chain(rest, source(at)) if has_rest else source(at))
    while at is not None:
        at = _go_on(page, wish, source(at))
    return page


def common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """The common prefix that a key is shown as, if it is."""
    if not delimiter:
        return None
    cut = key.find(delimiter, len(prefix))
    return None if cut < 0 else key[: cut + len(delimiter)]


def behind_all(prefix: str) -> str | None:
    """The first text behind all that begin with `prefix`, by code points, which is the order of UTF-8 bytes."""
    while prefix:
        code = ord(prefix[-1])
        if code < 0x10FFFF:
            return prefix[:-1] + chr(0xE000 if code == 0xD7FF else code + 1)
        prefix = prefix[:-1]
    return None


def encoded(text: str, encoding: str | None) -> str:
    """A key as EncodingType=url shows it."""
    return quote(text, safe="/-_.~*") if encoding == "url" else text


def _behind(wish: Wish) -> str:
    if not wish.after:
        return ""
    if _is_behind_prefix(wish):
        return behind_all(_hidden(wish) or "") or "\U0010ffff" * 2
    return wish.after + "\0"


def _hidden(wish: Wish) -> str | None:
    """The common prefix that the marker is, or has."""
    return common_prefix(wish.after, wish.prefix, wish.delimiter) if wish.after.startswith(wish.prefix) else None


def _is_behind_prefix(wish: Wish) -> bool:
    hidden = _hidden(wish)
    return hidden is not None and (wish.behind_prefixes or hidden == wish.after)


def _go_on(page: Page[T], wish: Wish, items: Iterator[T]) -> str | None:
    """Take items until the source is to be asked anew, from where; None when the page is done."""
    for item in items:
        if not item.key.startswith(wish.prefix):
            return None
        group = common_prefix(item.key, wish.prefix, wish.delimiter)
        if group is not None and page.prefixes and page.prefixes[-1] == group:
            return behind_all(group)
        if len(page.items) + len(page.prefixes) >= wish.most:
            page.truncated = wish.most > 0
            return None
        if group is not None:
            page.prefixes.append(group)
            page.last = group
            return behind_all(group)
        page.items.append(item)
        page.last = item.key
    return None
