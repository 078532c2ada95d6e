"""The plan of what a sandbox sees of the host."""

from pathlib import Path

from lambent.sandbox.base_root import ETC_COPIED, LIBRARY_PATH, plan
from lambent.sandbox.interpreters import Interpreter

INTERPRETER = Interpreter((3, 12, 1), "/usr/bin/python3.12", "/usr", "/usr/lib/python3.12")
STEPS = plan(INTERPRETER, Path("/data/code"), Path("/data/runtime/x"), host_root=True)


def test_nothing_private_of_the_host_is_named() -> None:
    shown = [step[2] for step in STEPS if step[0] in ("bind", "copy")]
    private = ("/home", "/root", "/var", "/run", "/sys", "/proc", "/dev", "/tmp", "/etc/shadow", "/etc/passwd")
    assert [path for path in shown if path.startswith(private)] == []
    assert [path for path in shown if path.startswith("/data")] == ["/data/runtime/x", "/data/code"]


def test_no_file_of_accounts_is_copied() -> None:
    assert {"passwd", "shadow", "group", "sudoers"} & set(ETC_COPIED) == set()


def test_the_code_of_all_functions_is_only_where_it_is_taken_away_again() -> None:
    assert [step[1] for step in STEPS if step[0] == "bind" and step[2] == "/data/code"] == ["/.lambent/code"]


def test_the_root_is_sealed_last() -> None:
    assert STEPS[-1][:2] == ["seal", "/"]
    assert [step[1] for step in STEPS if step[0] == "seal"] == ["/dev", "/"]


def test_every_folder_of_the_linkers_path_exists_when_the_zygote_starts() -> None:
    """The dynamic linker never looks again into a folder that was missing when it first looked."""
    made = {step[1] for step in STEPS if step[0] in ("folder", "bind", "link")}
    for folder in LIBRARY_PATH.split(":"):
        inside = any(folder == top or folder.startswith(("/usr/", "/var/lang/", "/var/runtime/")) for top in made)
        assert inside or any(top.startswith(folder + "/") for top in made) or not Path(folder).exists(), folder


def test_an_ordinary_user_borrows_devices_and_sees_the_hosts_processes_only_while_building() -> None:
    steps = plan(INTERPRETER, Path("/data/code"), Path("/data/runtime/x"), host_root=False)
    assert [step for step in steps if step[0] == "node"] == []
    assert ["device", "/dev/null", "/dev/null"] in steps
    assert [step[1] for step in steps if step[0] == "process_files"] == ["/.lambent/proc"]
