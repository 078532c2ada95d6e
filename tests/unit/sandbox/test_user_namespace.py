"""Which ids an ordinary user may give away, and what is said where namespaces are forbidden."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.sandbox import user_namespace_probe
from lambent.sandbox.uid_claims import HOST_UIDS
from lambent.sandbox.user_namespace import Range, Standing, subordinate_range


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("ann:100000:65536\n", Range(100_000, 65_536)),
        ("1000:100000:65536\n", Range(100_000, 65_536)),
        ("bob:100000:65536\n", None),
        ("ann:100000:10\n", None),  # too few to tell environments apart
        ("ann:100000:2000\nann:300000:65536\n", Range(300_000, 65_536)),
        ("ann:x:65536\nann:100000\n\n#ann:1:65536", None),
        ("", None),
    ],
)
def test_the_largest_range_of_the_user_is_found(table: str, found: Range | None) -> None:
    """Source: subuid(5): login name or uid, first id, count."""
    assert subordinate_range(table, "ann", 1000) == found


@given(st.text())
@settings(max_examples=50)
def test_any_text_is_a_table(table: str) -> None:
    found = subordinate_range(table, "ann", 1000)
    assert found is None or found.count > 0


def test_environments_that_live_together_have_different_uids() -> None:
    standing = Standing(host_root=True, first_uid=1_051_000, uids=HOST_UIDS)
    assert len({standing.uid(number) for number in range(5_000)}) == 5_000
    assert not standing.shared_uid


def test_with_one_id_all_share_it() -> None:
    standing = Standing(host_root=False, first_uid=1_051, uids=1)
    assert {standing.uid(number) for number in range(10)} == {1_051}
    assert standing.shared_uid


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor|profile"),
    ],
)
def test_the_setting_that_forbids_namespaces_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, remedy: str
) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(value + "\n")
    monkeypatch.setattr(user_namespace_probe, "_first_failing_step", lambda: "make a user namespace (EPERM)")
    told = user_namespace_probe.obstacle(tmp_path)
    assert told is not None
    assert name.replace("/", ".") in told[0]
    assert any(word in told[1] for word in remedy.split("|"))


def test_without_such_a_setting_the_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_namespace_probe, "_first_failing_step", lambda: "mount /proc (Operation not permitted)")
    told = user_namespace_probe.obstacle(tmp_path)
    assert told is not None
    assert "mount /proc (Operation not permitted)" in told[0]


def test_the_probe_leaves_this_process_as_it_is() -> None:
    before = Path("/proc/self/uid_map").read_text()
    user_namespace_probe.obstacle()
    assert Path("/proc/self/uid_map").read_text() == before
