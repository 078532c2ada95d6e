"""Listings against the plain way of making them: sort everything, fold, cut."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.s3.listing import Wish, behind_all, common_prefix, list_page

LETTERS = st.text(st.sampled_from("ab/é\ud7ff\ue000\U0010ffff"), max_size=5)
KEYS = st.sets(LETTERS.filter(bool), max_size=30)


class Item(NamedTuple):
    key: str


def source_of(keys: set[str]) -> Callable[[str], Iterator[Item]]:
    def source(start: str) -> Iterator[Item]:
        return (Item(key) for key in in_order(keys) if key.encode() >= start.encode())

    return source


def in_order(keys: set[str]) -> list[str]:
    return sorted(keys, key=str.encode)


@settings(max_examples=150)
@given(KEYS, LETTERS, st.sampled_from(["", "/", "ab"]), st.integers(1, 5))
def test_all_pages_together_are_everything_once(keys: set[str], prefix: str, delimiter: str, most: int) -> None:
    expected: list[str] = []
    for key in in_order(keys):
        if key.startswith(prefix):
            shown = common_prefix(key, prefix, delimiter) or key
            if shown not in expected:
                expected.append(shown)
    found: list[str] = []
    after = ""
    while True:
        page = list_page(Wish(prefix, delimiter, after, most), source_of(keys))
        assert len(page.items) + len(page.prefixes) <= most
        found += in_order({item.key for item in page.items} | set(page.prefixes))
        if not page.truncated:
            break
        after = page.last
    assert found == expected


@settings(max_examples=100)
@given(KEYS, LETTERS, st.sampled_from(["", "/"]))
def test_what_a_marker_names_and_all_before_it_is_left_out(keys: set[str], after: str, delimiter: str) -> None:
    page = list_page(Wish("", delimiter, after), source_of(keys))
    assert all(item.key.encode() > after.encode() for item in page.items)


@given(LETTERS)
def test_the_first_text_behind_a_prefix_is_behind_all_that_have_it(prefix: str) -> None:
    behind = behind_all(prefix)
    if behind is not None:
        assert behind.encode() > (prefix + "\U0010ffff" * 3).encode()
        assert not behind.startswith(prefix)
