"""Reading /proc: which pages are a process's own. Source: proc_pid_smaps(5), proc_pid_pagemap(5)."""

import os
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.sandbox.memory_image import OF_FILE, PRESENT, SWAPPED, _mappings, _runs

FLAGS = st.lists(st.sampled_from([0, PRESENT, SWAPPED, PRESENT | OF_FILE, OF_FILE]), max_size=60)


@settings(max_examples=50)
@given(FLAGS)
def test_the_runs_are_exactly_the_own_pages_in_order(flags: list[int]) -> None:
    runs = list(_runs(flags, shared=False))
    own = [number for number, flag in enumerate(flags) if flag in (PRESENT, SWAPPED)]
    assert [page for first, last in runs for page in range(first, last)] == own
    assert all(one[1] < other[0] for one, other in pairwise(runs))


@settings(max_examples=50)
@given(FLAGS)
def test_of_shared_memory_every_page_that_is_there_counts(flags: list[int]) -> None:
    pages = [page for first, last in _runs(flags, shared=True) for page in range(first, last)]
    assert pages == [number for number, flag in enumerate(flags) if flag & (PRESENT | SWAPPED)]


def test_the_mappings_of_this_process_are_those_of_maps() -> None:
    text = Path("/proc/self/smaps").read_text()
    heads = [line.split(None, 5) for line in text.splitlines() if line[:1] in "0123456789abcdef"]
    found = list(_mappings(text))
    assert [f"{start:x}-{end:x}" for start, end, *_ in found] == [_short(head[0]) for head in heads]
    assert {name for *_, name, _ in found} >= {"[stack]", os.path.realpath("/proc/self/exe")}


def _short(span: str) -> str:
    return "-".join(f"{int(part, 16):x}" for part in span.split("-"))


@settings(max_examples=50)
@given(st.text(alphabet="0123456789abcdef-rwxps :\nVmFlagswf/", max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for start, end, letters, offset, _, wiped in _mappings(text):
        assert (type(start), type(end), type(offset), type(wiped), len(letters)) == (int, int, int, bool, 4)


def test_memory_that_a_fork_would_wipe_is_told() -> None:
    head = "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 "
    assert list(_mappings(f"{head}\nRss: 4 kB\nVmFlags: rd wr mr mw me ac wf sd \n")) == [
        (0x7F0000000000, 0x7F0000001000, "rw-p", 0, "", True)
    ]


def test_a_file_whose_name_ends_a_line_for_python_is_one_mapping() -> None:
    name = "/tmp/a\x85600000000000-600000001000 rw-p 00000000 00:00 0 \u2028\x0c"
    text = f"7f0000000000-7f0000001000 r--p 00000000 00:00 7    {name}\nRss: 4 kB\nVmFlags: rd mr mw me sd \n"
    assert list(_mappings(text)) == [(0x7F0000000000, 0x7F0000001000, "r--p", 0, name, False)]
