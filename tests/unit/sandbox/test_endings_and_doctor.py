"""How a wait status is told, and how a host is judged."""

import pytest

from lambent.sandbox import cgroups, doctor, user_namespace_probe
from lambent.sandbox.api import Ending, SandboxFailure
from lambent.sandbox.sandbox import ending


@pytest.mark.parametrize(
    ("wait_status", "killed_by_kernel", "told"),
    [
        (0 << 8, False, Ending(exit_status=0)),
        (3 << 8, True, Ending(exit_status=3)),  # a child was killed; the runtime ended by itself
        (9, False, Ending(signal=9)),
        (9, True, Ending(signal=9, out_of_memory=True)),
        (11, True, Ending(signal=11)),
        (11 | 0x80, False, Ending(signal=11)),  # with the flag of a core dump
        (None, False, Ending()),
    ],
)
def test_a_wait_status_is_told(wait_status: int | None, killed_by_kernel: bool, told: Ending) -> None:
    assert ending(wait_status, out_of_memory=killed_by_kernel) == told


def test_a_finding_that_is_not_ok_says_what_to_do() -> None:
    for finding in doctor.findings():
        assert finding.detail
        assert finding.ok or finding.advice


def test_where_users_may_have_no_namespaces_it_refuses_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_host_root", lambda: False)
    monkeypatch.setattr(user_namespace_probe, "obstacle", lambda: ("It is forbidden.", "Run sysctl"))
    with pytest.raises(
        SandboxFailure, match=r"It is forbidden\. Run sysctl, start Lambent as root.*--isolation process"
    ):
        doctor.require_sandboxes()


def test_an_ordinary_user_is_told_what_the_kernel_does_not_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_host_root", lambda: False)
    monkeypatch.setattr(cgroups, "usable", lambda *_, host_root: host_root)
    told = {finding.name: finding for finding in doctor.findings()}
    assert told["cgroups"].weight == "useful"
    assert "CPU time is in proportion to memory by priority only" in told["cgroups"].detail
    assert "memory of the host" in told["scratch"].detail
    assert "uids" in told


def test_without_controllers_it_says_what_to_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "find_mounts", lambda _: None)
    with pytest.raises(SandboxFailure, match="Mount cgroup2 at /sys/fs/cgroup"):
        doctor.require_sandboxes()
