"""Whose control groups are whose, and which may go. Source: proc(5); pid_namespaces(7)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lambent.sandbox import owners
from lambent.sandbox.cgroups import V1, ControlGroups
from lambent.sandbox.owners import Owner, dead_roots, is_dead, owner_of, sweep, this_process


def root_of(owner: Owner, lambent: Path, name: str) -> Path:
    root = lambent / name
    for folder in (owner.folder, "zygotes", "e1"):
        (root / folder).mkdir(parents=True)
    return root


def ended() -> int:
    """The id of a process that was ours and is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_who_lives_is_not_dead_and_who_has_its_number_later_is_not_the_same() -> None:
    me = this_process()
    assert not is_dead(me)
    assert is_dead(replace(me, started_ticks=me.started_ticks - 1))
    assert is_dead(replace(me, pid=ended()))


def test_nobody_of_another_pid_namespace_is_judged(tmp_path: Path) -> None:
    stranger = replace(this_process(), pid=ended(), namespace=1)
    assert not is_dead(stranger)
    root_of(stranger, tmp_path, "theirs")
    assert dead_roots(tmp_path) == []


def test_only_what_a_dead_owner_left_is_swept(tmp_path: Path) -> None:
    me = this_process()
    dead = root_of(replace(me, pid=ended()), tmp_path, "dead")
    living, unknown, unsure = root_of(me, tmp_path, "living"), tmp_path / "unknown", root_of(me, tmp_path, "unsure")
    (unknown / "e1").mkdir(parents=True)
    (unsure / replace(me, pid=ended()).folder).mkdir()
    assert dead_roots(tmp_path) == [dead]
    assert sweep(dead) is True
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["living", "unknown", "unsure"]
    assert len(list(living.iterdir())) == 3


def test_the_mark_goes_last_so_that_a_sweep_is_gone_on_with(tmp_path: Path) -> None:
    root = root_of(replace(this_process(), pid=ended()), tmp_path, "dead")
    (root / "e1/busy").write_text("")
    assert sweep(root) is False
    assert dead_roots(tmp_path) == [root]
    (root / "e1/busy").unlink()
    assert sweep(root) is True
    assert not root.exists()


def test_processes_inside_are_killed_and_number_0_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = root_of(replace(this_process(), pid=ended()), tmp_path, "dead")
    (root / "e1/cgroup.procs").write_text("0\n4711\n0\n")
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: killed.append(pid))
    assert sweep(root) is False
    assert killed == [4711]


@given(st.text(max_size=30) | st.from_regex(owners.NAME, fullmatch=True).filter(str.isascii))
@settings(max_examples=50)
def test_any_name_is_an_owner_or_none(name: str) -> None:
    match = owners.NAME.fullmatch(name)
    if match is not None:
        owner = Owner(*map(int, match.groups()))
        assert Owner(*map(int, owner.folder.split(".")[1:])) == owner


def test_an_agent_marks_its_folders_and_takes_the_mark_away(tmp_path: Path) -> None:
    mounts = {name: tmp_path / name for name in ("memory", "pids", "cpu")}
    groups = ControlGroups(V1, mounts, "i")
    groups.prepare()
    assert {owner_of(mount / "lambent/i") for mount in mounts.values()} == {this_process()}
    os.close(groups.lock())
    assert groups.sweep_dead() is True
    assert groups.remove_all() is True
    assert [list(mount.iterdir()) for mount in mounts.values()] == [[], [], []]
