"""A part of version 2's tree that was given to a user: on folders that stand in for it, and in the kernel's own."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from lambent.sandbox import delegation

MOUNTED = "41 31 0:38 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
SCOPE = "/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope"
USER = 64_244
TREE = Path("/sys/fs/cgroup/unified")
IN_THE_KERNEL = """
import os, subprocess, sys
from pathlib import Path
from lambent.sandbox import cgroups, delegation
base = delegation.given(())
with delegation.settled(()):
    own = delegation.own_group(delegation.MOUNTS.read_text(), delegation.MEMBERSHIP.read_text())
    assert own == base / "lambent" / "parts", own
    assert delegation.given(()) == base
    groups = cgroups.ControlGroups(cgroups.V2, dict.fromkeys((*cgroups.CONTROLLERS, cgroups.FREEZER), base), "i")
    (base / "lambent" / "i").mkdir()
    group = groups.make("one")
    [join] = group.open_to_enter()
    child = subprocess.Popen(["sleep", "1000"], preexec_fn=lambda: os.write(join, b"0"))
    assert groups.pids() == {child.pid}
    freezer = group.open_freezer()
    os.write(freezer, b"1")
    events = base / "lambent" / "i" / "one" / "cgroup.events"
    while "frozen 1" not in events.read_text():
        pass
    child.kill()
    child.wait()
    while not groups.remove_all():
        pass
print("left", [each.name for each in base.iterdir() if each.is_dir()])
"""


def group_of(folder: Path, *, controllers: str = "cpu memory pids", processes: str = "") -> Path:
    """A folder with the files that the kernel gives to a group."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.controllers").write_text(controllers)
    (folder / "cgroup.procs").write_text(processes or str(os.getpid()))
    (folder / "cgroup.subtree_control").touch()
    return folder


@pytest.fixture
def within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """We are in a group of our own."""
    own = group_of(tmp_path / "scope")
    monkeypatch.setattr(delegation, "own_group", lambda *_: own)
    return own


def test_the_own_group_is_the_mount_and_the_path_of_version_2_whatever_else_is_there() -> None:
    mixed = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" + MOUNTED
    membership = f"9:name=systemd:/x\n2:cpu:/\n0::{SCOPE}\n"
    assert delegation.own_group(mixed, membership) == Path("/sys/fs/cgroup" + SCOPE)
    assert delegation.own_group(mixed, "2:cpu:/\n") is None
    assert delegation.own_group("", membership) is None
    of_a_container = MOUNTED.replace("0:38 / ", "0:38 /docker/1 ")
    assert delegation.own_group(of_a_container, membership) is None, "what we are in cannot be seen from here"


@drawn(st.text(), st.text())
@settings(max_examples=50)
def test_texts_of_no_kernel_name_no_group(mountinfo: str, membership: str) -> None:
    assert delegation.own_group(mountinfo.replace(" - cgroup2", ""), membership) is None


def test_a_group_serves_that_is_ours_with_all_controllers_and_nobody_else_in_it(within: Path) -> None:
    assert delegation.given() == within
    group_of(within, processes=f"{os.getpid()}\n4711\n")
    assert delegation.given() is None, "its controllers cannot be handed on"
    group_of(within, controllers="memory pids")
    assert delegation.given() is None, "no cpu"


def test_who_settles_hands_all_controllers_on_and_steps_back(within: Path) -> None:
    with delegation.settled():
        assert (within / "lambent/parts/cgroup.procs").read_text() == "0"
        assert (within / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
        (within / "lambent/parts/cgroup.procs").unlink()  # the kernel's files go with their folder
        (within / "lambent/cgroup.subtree_control").touch()
    assert (within / "cgroup.procs").read_text() == "0"
    assert (within / "cgroup.subtree_control").read_text() == "-memory -pids -cpu"


def test_a_group_that_cannot_be_divided_is_left_as_it_was(within: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        (within / "lambent/parts/cgroup.procs").unlink()
        raise OSError("EBUSY")

    monkeypatch.setattr(delegation, "_divide", busy)
    with delegation.settled():
        assert not (within / "lambent").exists()


@pytest.mark.skipif(os.geteuid() != 0 or not TREE.is_dir(), reason="needs root, and version 2 beside version 1")
def test_the_kernel_lets_a_user_move_freeze_and_kill_in_what_was_given(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    common = TREE / "lambent"
    given = common / f"delegated-{os.getpid()}"
    given.mkdir(parents=True)
    try:
        for each in (given, given / "cgroup.procs", given / "cgroup.subtree_control", given / "cgroup.threads"):
            os.chown(each, USER, USER)

        def enter() -> None:
            (given / "cgroup.procs").write_text("0")
            os.setgroups([])
            os.setresgid(USER, USER, USER)
            os.setresuid(USER, USER, USER)

        python = next(
            (each for each in ("/usr/bin/python3.11", "/usr/local/bin/python3.11") if Path(each).exists()), ""
        )
        if not python or sys.version_info[:2] != (3, 11):
            pytest.skip("an ordinary user has no python3.11 here")
        places = {"PYTHONPATH": ":".join(each for each in sys.path if each)}
        done = subprocess.run(
            [python, "-B", "-c", IN_THE_KERNEL],
            env=places,
            preexec_fn=enter,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.returncode) == ("left []\n", 0), done.stderr
    finally:
        given.rmdir()
        with contextlib.suppress(OSError):  # a server's groups are in it
            common.rmdir()
