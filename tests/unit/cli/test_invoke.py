import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lambent.cli.errors import CommandError
from lambent.cli.invoke import payload_bytes, report_line


def test_a_payload_is_json_itself_a_file_or_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "event.json").write_text('{"from": "file"}')
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"from": "stdin"}')))
    assert payload_bytes('{"a": 1}') == b'{"a": 1}'
    assert payload_bytes(f"@{tmp_path / 'event.json'}") == b'{"from": "file"}'
    assert payload_bytes("-") == b'{"from": "stdin"}'


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "@"])
def test_what_is_not_json_is_refused_before_it_is_sent(text: str) -> None:
    with pytest.raises((CommandError, OSError)):
        payload_bytes(text)


@pytest.mark.parametrize("typed", [b'{"n": "Zo\xc3\xab"}', b'{"n": "\xf0\x9f\x98\x80"}'])
def test_a_payload_is_sent_as_it_was_typed_also_where_the_locale_cannot_read_it(typed: bytes) -> None:
    assert payload_bytes(typed.decode("ascii", "surrogateescape")) == typed  # as Python reads arguments under LC_ALL=C


def test_the_report_line_is_shown_on_one_line_without_tabs() -> None:
    lines = ["START RequestId: a", "REPORT RequestId: a\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"]
    assert report_line(lines) == "REPORT RequestId: a  Duration: 3.01 ms  Billed Duration: 4 ms"
    assert report_line([]) == ""
