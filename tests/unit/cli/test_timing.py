"""The table of `lambent invoke --explain`."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lambent.cli.timing import Span, spans, table


def shown(stages: list[Span]) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(table(stages))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_the_stages_are_read_in_their_order() -> None:
    assert spans("placement;dur=0.250, init;dur=1.500") == [Span("placement", 0.25), Span("init", 1.5)]


@given(st.text())
def test_any_header_is_read_or_passed_over(header: str) -> None:
    assert all(span.took_ms >= 0 for span in spans(header))


def test_each_stage_is_shown_with_its_share() -> None:
    text = shown([Span("placement", 1.0), Span("new_stage", 0.0), Span("invoke", 3.0)])
    assert "4.00 ms, a cold start" in text
    assert [line.split()[:3] for line in text.splitlines() if "invoke" in line] == [["invoke", "3.00", "75%"]]


def test_a_warm_start_says_so_also_when_it_took_no_time() -> None:
    assert "a warm start" in shown([Span("invoke", 0.0)])
