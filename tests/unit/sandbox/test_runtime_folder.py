"""The folder behind /var/runtime."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from lambent.ids import FakeIds
from lambent.sandbox.languages.java import Java
from lambent.sandbox.languages.language import Installation
from lambent.sandbox.runtime_folder import forget_unfinished, make_guest_folder, make_runtime_folder

IDS = FakeIds()


def test_it_holds_boto3_and_ours_and_nothing_else(tmp_path: Path) -> None:
    folder = make_runtime_folder(tmp_path, FakeIds())
    names = {path.name.split("-")[0].removesuffix(".py") for path in folder.iterdir()}
    parts = {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "python_dateutil", "six", "urllib3"}
    parts |= {"snapshot_restore_py"}
    assert names - {"__pycache__"} == parts | {"_lambent"}
    check = "import sys; sys.path.insert(0, sys.argv[1]); import boto3, six, dateutil; print(boto3.__file__)"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", check, folder], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(folder / "boto3/__init__.py")


def test_everybody_may_read_it_and_it_is_made_once(tmp_path: Path) -> None:
    folder = make_runtime_folder(tmp_path, FakeIds())
    assert all(path.stat().st_mode & 0o004 for path in folder.rglob("*"))
    before = folder.stat().st_mtime_ns
    assert make_runtime_folder(tmp_path, FakeIds()) == folder
    assert folder.stat().st_mtime_ns == before
    assert list(tmp_path.iterdir()) == [folder]


class Killed(BaseException):
    """Stands for `kill -9`: nothing tidies up."""


def killed(*_: object) -> None:
    raise Killed


def test_what_a_kill_left_half_made_is_gone_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("lambent.sandbox.runtime_folder.shutil.copyfile", killed)
        with pytest.raises(Killed):
            make_runtime_folder(tmp_path, IDS)
        with pytest.raises(Killed):
            make_guest_folder(tmp_path, "java", IDS)
    java = make_guest_folder(tmp_path, "java", IDS)
    with monkeypatch.context() as broken:
        broken.setattr("lambent.sandbox.languages.java._compile", killed)
        broken.setattr("lambent.sandbox.languages.java.shutil.rmtree", killed)
        with pytest.raises(Killed):
            asyncio.run(Java().prepare(java, Installation("java21", (21,), "", "", (), "")))
    assert len(list(tmp_path.iterdir())) == 4
    forget_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [java]
