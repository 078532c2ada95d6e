"""The tables of system calls and the filters made of them."""

import pyseccomp
import pytest

from lambent.sandbox import syscalls
from lambent.sandbox.seccomp import compile_filters

LARGEST_PROGRAM = 4096  # BPF_MAXINSNS


def test_no_call_is_both_allowed_and_denied() -> None:
    assert set() == syscalls.ALLOWED & syscalls.DENIED


@pytest.mark.parametrize(
    "name",
    ["clone3", "mount", "unshare", "setns", "ptrace", "bpf", "keyctl", "io_uring_setup", "userfaultfd", "reboot"],
)
def test_what_leads_out_is_not_allowed(name: str) -> None:
    assert name not in syscalls.ALLOWED


def test_every_name_is_one_that_libseccomp_knows() -> None:
    """A typing error would silently allow or deny nothing."""
    unknown = [name for name in syscalls.ALLOWED | syscalls.DENIED if not _known(name)]
    assert unknown == []


def _known(name: str) -> bool:
    try:
        return bool(pyseccomp.resolve_syscall(pyseccomp.Arch.X86_64, name) != -1)
    except (OSError, ValueError):
        return False


def test_the_filters_are_whole_bpf_programs() -> None:
    for program in compile_filters():
        assert len(program) % 8 == 0
        assert 10 < len(program) // 8 < LARGEST_PROGRAM


def test_memory_that_no_process_has_mapped_is_refused_where_it_is_not_counted() -> None:
    assert syscalls.HIDDEN_MEMORY <= syscalls.ALLOWED
    assert len(compile_filters(hidden_memory=False)[0]) < len(compile_filters()[0])
