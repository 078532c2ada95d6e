"""Names of log streams. Source: Lambda Developer Guide, "Log streams"; for a custom group, "Configuring log groups"."""

import re

import pytest

from lambent.clock import FakeClock
from lambent.ids import SystemIds
from lambent.model.function import FunctionKey
from lambent.model.log_stream import default_log_group, new_log_stream

F = FunctionKey("000000000000", "us-east-1", "order")


@pytest.mark.parametrize(
    ("group", "version", "before"),
    [
        (default_log_group("order"), "$LATEST", "[$LATEST]"),
        (default_log_group("order"), "7", "[7]"),
        ("/shop", "$LATEST", "order[$LATEST]"),
        (default_log_group("other"), "7", "order[7]"),
    ],
)
def test_a_stream_in_a_group_that_may_be_shared_names_its_function(group: str, version: str, before: str) -> None:
    stream = new_log_stream(F, version, group, FakeClock(), SystemIds())
    assert re.fullmatch(rf"2023/11/14/{re.escape(before)}[0-9a-f]{{32}}", stream)
