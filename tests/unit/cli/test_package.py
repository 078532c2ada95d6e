import io
import os
import re
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.cli.errors import CommandError
from lambent.cli.package import function_name, handler_in, python_sources, zipped


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def entries(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_same_files_give_the_same_bytes_whenever_they_were_written(tmp_path: Path) -> None:
    files = {"app.py": "x = 1", "lib/b.py": "", "lib/a.py": "y"}
    first = write(tmp_path / "first", files)
    second = write(tmp_path / "second", dict(reversed(files.items())))
    os.utime(second / "app.py", (1, 1))
    assert zipped([first]) == zipped([second])


def test_caches_and_version_control_stay_out(tmp_path: Path) -> None:
    folder = write(tmp_path, {"app.py": "", "__pycache__/app.pyc": "", ".git/config": "", ".venv/x": "", "old.pyc": ""})
    assert set(entries(zipped([folder]))) == {"app.py"}


def test_the_folder_wins_over_its_dependencies(tmp_path: Path) -> None:
    dependencies = write(tmp_path / "d", {"shared.py": "theirs", "PIL/__init__.py": ""})
    folder = write(tmp_path / "f", {"shared.py": "mine"})
    assert entries(zipped([dependencies, folder])) == {"shared.py": b"mine", "PIL/__init__.py": b""}


def test_files_are_readable_by_everyone_and_programs_stay_runnable(tmp_path: Path) -> None:
    folder = write(tmp_path, {"data.json": "{}", "bootstrap": "#!/bin/sh"})
    (folder / "data.json").chmod(0o600)
    (folder / "bootstrap").chmod(0o700)
    with zipfile.ZipFile(io.BytesIO(zipped([folder]))) as archive:
        modes = {info.filename: stat.S_IMODE(info.external_attr >> 16) for info in archive.infolist()}
    assert modes == {"data.json": 0o644, "bootstrap": 0o755}


def test_a_link_to_a_folder_is_refused_and_a_link_to_a_file_is_its_content(tmp_path: Path) -> None:
    folder = write(tmp_path / "f", {"app.py": "code"})
    (folder / "again.py").symlink_to(folder / "app.py")
    assert entries(zipped([folder]))["again.py"] == b"code"
    (folder / "elsewhere").symlink_to(tmp_path)
    with pytest.raises(CommandError, match="elsewhere is a link to a folder"):
        zipped([folder])


@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"app.py": "def handler(event, context): ..."}, "app.handler"),
        ({"lambda_function.py": "async def lambda_handler(event, context): ..."}, "lambda_function.lambda_handler"),
        ({"main.py": "handler = Mangum(app)"}, "main.handler"),
        ({"app.py": "def other(): ...", "index.py": "def handler(e, c): ..."}, "index.handler"),
        ({"app.py": "def broken(:", "main.py": "def handler(e, c): ..."}, "main.handler"),
        ({"app.py": "class A:\n    def handler(self): ..."}, None),
        ({}, None),
    ],
)
def test_the_handler_is_found_where_people_put_it(files: dict[str, str], handler: str | None, tmp_path: Path) -> None:
    assert handler_in(python_sources(write(tmp_path, files))) == handler


@settings(max_examples=50)
@given(st.text(min_size=1, max_size=100))
def test_a_folder_gives_a_name_that_lambda_allows_or_none(name: str) -> None:
    # Source: the FunctionName pattern of the Lambda service model, and 64 characters of a bare name.
    try:
        found = function_name(Path("/somewhere") / name.replace("/", "").replace("\0", ""))
    except CommandError:
        return
    assert re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", found)
