"""The folder behind /var/runtime."""

import subprocess
import sys
from pathlib import Path

from lambent.ids import FakeIds
from lambent.sandbox.runtime_folder import make_runtime_folder


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
