"""The chain in the trace header. Source: Lambda Developer Guide, "recursive loop detection"; behaviours section 18."""

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.model.function import FunctionKey
from lambent.model.lineage import LONGEST, MOST_PASSES, RecursiveInvocation, check, extended, passes

ONE, TWO = (FunctionKey("0" * 12, "us-east-1", name) for name in ("one", "two"))


def test_each_pass_counts_for_its_function() -> None:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
    assert passes(header, ONE) == 0
    for number in range(1, 4):
        header = extended(extended(header, ONE), TWO)
        assert (passes(header, ONE), passes(header, TWO)) == (number, number)
    assert header.startswith("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0;Lineage=1:")


def test_the_sixteenth_pass_is_let_through_and_the_next_is_not() -> None:
    header = ""
    for _ in range(MOST_PASSES):
        check(header, ONE)
        header = quote(extended(header, ONE), safe="-=;:+&[]{}\"',")  # as botocore hands it on
    with pytest.raises(RecursiveInvocation):
        check(header, ONE)
    check(header, TWO)


def test_a_long_chain_stays_short() -> None:
    header = "Root=1"
    for number in range(200):
        header = extended(header, FunctionKey("0" * 12, "us-east-1", str(number)))
    assert header.count("|") == LONGEST - 1
    assert len(header) < 512


@settings(max_examples=50)
@given(st.text(max_size=60) | st.from_regex(r"(Root=1;)?[Ll]ineage=(\d+:)?[0-9a-f|:%C7]{0,60}", fullmatch=True))
def test_any_header_can_be_extended(header: str) -> None:
    before = passes(header, ONE)
    assert passes(extended(header, ONE), ONE) == before + 1
