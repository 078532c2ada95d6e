"""The trace header, in the form of the AWS X-Ray Developer Guide, and who decides if a request is traced."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.model.trace import carried, decided, is_decided, new_trace, traced

ID = "1e5c8abd-3d36-461b-8c0f-a56b952715b3"
NOW_S = 0x6A1C0DE5 + 0.9
ROOT = "Root=1-6a1c0de5-3d36461b8c0fa56b952715b3"
PARENT = ";Parent=8c0fa56b952715b3"
HEADER = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]")


def test_a_new_trace_has_the_form_of_xrays_and_no_decision() -> None:
    assert new_trace(ID, NOW_S) == ROOT
    assert not is_decided(ROOT)
    assert HEADER.fullmatch(decided(ROOT, ID, NOW_S, sampled=True))
    assert decided("", ID, NOW_S, sampled=False) == ROOT + PARENT + ";Sampled=0"


@pytest.mark.parametrize(
    ("header", "is_one"),
    [
        ("", False),
        (ROOT, False),
        (ROOT + ";Sampled=?", False),
        (ROOT + ";Sampled=0", True),
        ("sampled=1; " + ROOT, True),
    ],
)
def test_a_question_is_no_decision(header: str, is_one: bool) -> None:
    assert is_decided(header) is is_one


def test_a_parent_that_came_is_kept_and_a_question_answered() -> None:
    told = decided(f"{ROOT};Parent=53995c3f42cd8ad8;Sampled=?;Lineage=1:a87bd80c:0", ID, NOW_S, sampled=True)
    assert told == f"{ROOT};Parent=53995c3f42cd8ad8;Lineage=1:a87bd80c:0;Sampled=1"
    assert traced(told) == ("1-6a1c0de5-3d36461b8c0fa56b952715b3", "53995c3f42cd8ad8")


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ("", ROOT + PARENT + ";Sampled=0"),
        (ROOT, ROOT + PARENT + ";Sampled=0"),
        (ROOT + ";Sampled=?", ROOT + PARENT + ";Sampled=0"),
        (ROOT + ";Sampled=1", ROOT + ";Sampled=1" + PARENT),
        (ROOT + ";Parent=53995c3f42cd8ad8;Sampled=1", ROOT + ";Parent=53995c3f42cd8ad8;Sampled=1"),
        ("Lineage=1:a87bd80c:3", ROOT + ";Lineage=1:a87bd80c:3" + PARENT + ";Sampled=0"),
    ],
)
def test_a_function_that_decides_nothing_gets_a_whole_header(came: str, goes: str) -> None:
    """Libraries for tracing (AWS X-Ray SDK, OpenTelemetry's X-Ray propagator) want Root and Parent."""
    assert carried(came, ID, NOW_S) == goes
    assert carried(goes, ID, 0) == goes


def test_only_what_was_sampled_is_traced() -> None:
    assert traced(ROOT + ";Sampled=0") is None
    assert traced("Sampled=1") is None


@given(st.text(alphabet="RrootSsampledParen=;?01-abc ", max_size=80), st.booleans())
@settings(max_examples=100)
def test_any_undecided_header_is_decided_once(header: str, sampled: bool) -> None:
    if not is_decided(header):
        told = decided(header, ID, NOW_S, sampled=sampled)
        assert is_decided(told)
        assert "oot=" in told
        assert "arent=" in told
