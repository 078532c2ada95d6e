"""What is kept of a function's own lines. Source: Lambda Developer Guide, "Log-level filtering"."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.environment.log_level import LEVELS, is_kept
from lambent.environment.output import OutputBuffer
from lambent.model.invocation import LogLine


@pytest.mark.parametrize(
    ("line", "least", "kept"),
    [
        ('{"level": "debug", "msg": "quiet", "timestamp": "2024-11-02T16:51:31.587199Z"}', "INFO", False),
        ('{"level": "debug", "msg": "quiet"}', "DEBUG", True),
        ('{"level": "WARN"}', "WARN", True),
        ('{"level": "WARNING"}', "ERROR", False),
        ('{"level": "CRITICAL"}', "FATAL", True),
        ('{"msg": "has no level"}', "INFO", True),
        ('{"msg": "has no level"}', "WARN", False),
        ('{"level": 30}', "WARN", False),
        ('{"level": "loud"}', "WARN", False),
        ('  {"level": "trace"}', "DEBUG", False),
        ('{"level": "trace"}', "TRACE", True),
        ('{"level": "trace"}', "", True),
        ("text", "FATAL", True),
        ('{"level": "debug"', "FATAL", True),
        ('[{"level": "debug"}]', "FATAL", True),
        ('{"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}, "n": 1}', "FATAL", True),
    ],
)
def test_a_line_in_json_is_kept_by_its_level(line: str, least: str, kept: bool) -> None:
    assert is_kept(line.encode(), least) is kept


def test_a_listener_hears_what_is_not_kept() -> None:
    buffer, heard = OutputBuffer(least_level="INFO"), list[LogLine]()
    buffer.listener = heard.append
    buffer.feed(b'{"level":"DEBUG"}\n{"level":"ERROR"}\n\0{\0"level":"DEBUG"}\n', 1)
    assert [line.text for line in buffer.take()] == ['{"level":"ERROR"}']
    assert len(heard) == 3


@settings(max_examples=50)
@given(st.binary() | st.binary().map(lambda rest: b'{"level":' + rest), st.sampled_from(["", *LEVELS]))
def test_whatever_is_written_is_kept_or_not(line: bytes, least: str) -> None:
    assert is_kept(line, least) in (True, False)
