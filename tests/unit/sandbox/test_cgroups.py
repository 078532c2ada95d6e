"""Control groups in both versions, on folders that stand in for the kernel's."""

import os
from pathlib import Path

import pytest

from lambent.sandbox.cgroups import (
    CONTROLLERS,
    FREEZER,
    V1,
    V2,
    ControlGroup,
    ControlGroups,
    Dialect,
    find_mounts,
    quota_us,
)

V1_LINES = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / {root}/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / {root}/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / {root}/pids rw,relatime - cgroup cgroup rw,pids
41 31 0:38 / {root}/unified rw,relatime - cgroup2 cgroup2 rw
"""


def mounts_of(dialect: Dialect, root: Path) -> dict[str, Path]:
    if dialect is V2:
        (root / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
        return dict.fromkeys((*CONTROLLERS, FREEZER), root)
    for name in CONTROLLERS:
        (root / name).mkdir()
    return {name: root / name for name in CONTROLLERS}


KERNEL_FILES = {
    V1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "pids.max", "cpu.shares", "cpu.cfs_period_us")
    + ("cpu.cfs_quota_us", "cpu.cfs_burst_us", "cgroup.procs", "tasks", "memory.kmem.tcp.limit_in_bytes"),
    V2: ("memory.max", "memory.swap.max", "pids.max", "cpu.weight", "cpu.max", "cpu.max.burst", "cgroup.procs")
    + ("cgroup.subtree_control", "cgroup.freeze"),
}


def as_the_kernel_would(dialect: Dialect, root: Path, *, absent: str = "") -> None:
    """Give every folder the files that a control group of `dialect` has; nobody else can make one there."""
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        for name in KERNEL_FILES[dialect]:
            controller = name.partition(".")[0]
            if name != absent and (dialect is V2 or controller in ("cgroup", "tasks", *folder.relative_to(root).parts)):
                (folder / name).touch()


def made(dialect: Dialect, root: Path, *, absent: str = "") -> ControlGroup:
    """A group whose files the kernel has made."""
    groups = ControlGroups(dialect, mounts_of(dialect, root), "i")
    (root / "lambent/i").mkdir(parents=True)
    as_the_kernel_would(dialect, root)
    groups.prepare()
    group = groups.make("one")
    as_the_kernel_would(dialect, root, absent=absent)
    if absent:
        for path in root.rglob(absent):
            path.unlink()
    return group


def written(group_root: Path) -> dict[str, str]:
    return {path.name: text for path in group_root.rglob("*") if path.is_file() and (text := path.read_text())}


def test_version_1_is_found_by_controller_and_an_empty_version_2_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "unified").mkdir()
    (tmp_path / "unified" / "cgroup.controllers").write_text("\n")
    found = find_mounts(V1_LINES.format(root=tmp_path))
    assert found == (V1, {name: tmp_path / name for name in CONTROLLERS} | {FREEZER: tmp_path / "unified"})
    without = "\n".join(line for line in V1_LINES.splitlines() if "cgroup2" not in line)
    found = find_mounts(without.format(root=tmp_path))
    assert found == (V1, {name: tmp_path / name for name in CONTROLLERS}), "nothing freezes here"


def test_controllers_that_share_a_mount_are_found(tmp_path: Path) -> None:
    lines = V1_LINES.format(root=tmp_path).replace("rw,cpu\n", "rw,cpu,cpuacct\n")
    found = find_mounts(lines)
    assert found is not None
    assert found[1]["cpu"] == tmp_path / "cpu"


def test_version_2_is_found_when_it_has_the_controllers(tmp_path: Path) -> None:
    mounts = mounts_of(V2, tmp_path)
    line = f"30 23 0:26 / {tmp_path} rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    assert find_mounts(line) == (V2, mounts)


def test_a_host_without_one_of_the_controllers_has_none(tmp_path: Path) -> None:
    lines = [line for line in V1_LINES.format(root=tmp_path).splitlines() if "pids" not in line]
    assert find_mounts("\n".join(lines)) is None


@pytest.mark.parametrize(("memory_mb", "quota"), [(128, 7_235), (1769, 100_000), (3538, 200_000), (10, 1_000)])
def test_cpu_follows_memory(memory_mb: int, quota: int) -> None:
    """Source: Lambda Developer Guide, "Configure Lambda function memory": 1,769 MB is one vCPU."""
    assert quota_us(memory_mb) == quota


def test_the_limits_of_version_1(tmp_path: Path) -> None:
    group = made(V1, tmp_path)
    group.limit(256, 1024)
    group.limit_cpu(256)
    size = str(256 * 1024 * 1024)
    assert written(tmp_path) == {
        "memory.limit_in_bytes": size,
        "memory.memsw.limit_in_bytes": size,
        "memory.kmem.tcp.limit_in_bytes": str(32 * 1024 * 1024),
        "pids.max": "1024",
        "cpu.shares": "148",
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "14471",
        "cpu.cfs_burst_us": "14471",
    }


def test_the_limits_of_version_2(tmp_path: Path) -> None:
    folder = tmp_path / "lambent" / "i" / "one"
    group = made(V2, tmp_path)
    group.limit(256, 1024)
    group.limit_cpu(256)
    assert written(folder) == {
        "memory.max": str(256 * 1024 * 1024),
        "memory.swap.max": "0",
        "pids.max": "1024",
        "cpu.weight": "14",
        "cpu.max": "14471 100000",
        "cpu.max.burst": "14471",
    }
    assert (tmp_path / "lambent" / "i" / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"


@pytest.mark.parametrize(
    ("dialect", "absent"),
    [(V1, "memory.memsw.limit_in_bytes"), (V1, "memory.kmem.tcp.limit_in_bytes"), (V2, "memory.swap.max")],
)
def test_a_kernel_that_does_not_count_swap_or_sockets_still_limits_memory(
    tmp_path: Path, dialect: Dialect, absent: str
) -> None:
    made(dialect, tmp_path, absent=absent).limit(128, 1024)
    assert written(tmp_path)[dialect.memory] == str(128 * 1024 * 1024)


def test_a_missing_file_that_every_kernel_has_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        made(V1, tmp_path, absent="pids.max").limit(128, 1024)


@pytest.mark.parametrize(("dialect", "file"), [(V1, "tasks"), (V2, "cgroup.procs")])
def test_a_child_joins_by_the_file_that_waits_for_nothing(tmp_path: Path, dialect: Dialect, file: str) -> None:
    group = made(dialect, tmp_path)
    for opened, name in ((group.open_to_join(), file), (group.open_to_enter(), "cgroup.procs")):
        assert {Path(os.readlink(f"/proc/self/fd/{each}")).name for each in opened} == {name}
        for each in opened:
            os.close(each)


@pytest.mark.parametrize(
    ("dialect", "text", "killed"),
    [
        (V1, "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", False),
        (V1, "oom_kill_disable 0\nunder_oom 0\noom_kill 12\n", True),
        (V2, "low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\noom_group_kill 0\n", False),
        (V2, "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n", True),
    ],
)
def test_only_a_kill_counts_as_out_of_memory(tmp_path: Path, dialect: Dialect, text: str, killed: bool) -> None:
    group = made(dialect, tmp_path)
    memory = next(path for path in tmp_path.rglob("one") if "memory" in str(path) or dialect is V2)
    (memory / dialect.events).write_text(text)
    assert group.ran_out_of_memory() is killed


def test_the_gauge_is_read_as_often_as_one_likes_and_may_be_absent(tmp_path: Path) -> None:
    groups = ControlGroups(V1, mounts_of(V1, tmp_path), "i")
    groups.prepare()
    group = groups.make("one")
    assert group.open_memory_gauge() == -1
    assert group.peak_memory_bytes() == 0
    (tmp_path / "memory/lambent/i/one/memory.max_usage_in_bytes").write_text("4096\n")
    gauge = group.open_memory_gauge()
    assert [int(os.pread(gauge, 64, 0)) for _ in range(2)] == [4096, 4096]
    assert group.peak_memory_bytes() == 4096
    os.close(gauge)


def test_leftovers_are_found_by_instance_and_nothing_else_is_touched(tmp_path: Path) -> None:
    mounts = mounts_of(V1, tmp_path)
    mine, others = ControlGroups(V1, mounts, "mine"), ControlGroups(V1, mounts, "others")
    for groups in (mine, others):
        groups.prepare()
        groups.make("one")
    procs = [path / "cgroup.procs" for path in tmp_path.glob("*/lambent/mine/one")]
    for path in procs:
        path.write_text("11\n12\n")
    assert mine.pids() == {11, 12}
    assert mine.remove_all() is False, "they are not empty"
    for path in procs:
        path.unlink()
    assert mine.remove_all() is True
    assert list(tmp_path.glob("*/lambent/mine")) == []
    assert len(list(tmp_path.glob("*/lambent/others/one"))) == 3
