"""How a folder that is lent to functions is written, what it is called, and which folders may be lent."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.config import Settings
from lambent.file_systems import FileSystem, parse, parse_all
from lambent.model.environment import Mount
from lambent.sandbox.api import MountFailure
from lambent.sandbox.lending import lent, obstacle
from lambent.sandbox.user_namespace import Standing

HERE = ("000000000000", "us-east-1")
# Lambda service model, FileSystemArn.
ARN = re.compile(r"arn:aws:elasticfilesystem:[a-z]{2}(-[a-z]+)+-\d:\d{12}:access-point/fsap-[a-f0-9]{17}")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a=/srv/a", FileSystem("a", Path("/srv/a"), *HERE)),
        ("a=/srv/a:ro", FileSystem("a", Path("/srv/a"), *HERE, read_only=True)),
        ("a-b_1=/srv/with space:and:colons", FileSystem("a-b_1", Path("/srv/with space:and:colons"), *HERE)),
        ("123456789012/eu-west-1/a=/srv/a", FileSystem("a", Path("/srv/a"), "123456789012", "eu-west-1")),
    ],
)
def test_a_file_system_is_a_name_and_a_folder(text: str, read: FileSystem) -> None:
    assert parse(text, *HERE) == read
    assert ARN.fullmatch(read.arn)


@pytest.mark.parametrize(
    "text", ["", "a", "a=", "=/srv", "a=srv", "a b=/srv", "a=/srv/../etc", "1/eu-west-1/a=/srv", "a=/x,y"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a file system"):
        parse(text, *HERE)


@given(st.text())
@settings(max_examples=100)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text, *HERE)
    except ValueError:
        return
    assert found.path.is_absolute()


def test_accounts_and_regions_share_no_access_point() -> None:
    texts = ("a=/srv/a", "b=/srv/a", "123456789012/us-east-1/a=/srv/a", "000000000000/eu-west-1/a=/srv/a")
    assert len({each.arn for each in parse_all(texts, *HERE)}) == 4
    with pytest.raises(ValueError, match="same name"):
        parse_all(("a=/srv/a", "a=/srv/b"), *HERE)
    with pytest.raises(ValueError, match="not a file system"):
        Settings(file_system=("nonsense",))


def test_a_folder_has_to_be_there_and_to_be_somebodys(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "folder"
    folder.mkdir()
    (data / "inside").mkdir(parents=True)

    def why(path: Path, *, read_only: bool = False) -> str:
        return obstacle(FileSystem("a", path, *HERE, read_only=read_only), data) or ""

    assert "no folder" in why(tmp_path / "gone")
    for secret in (Path("/"), tmp_path, data, data / "inside"):
        assert "keeps for itself" in why(secret, read_only=True)
    (tmp_path / "link").symlink_to(data)
    assert "keeps for itself" in why(tmp_path / "link")
    assert not why(folder, read_only=True)
    if os.geteuid() == 0:
        assert "chown" in why(folder)
        os.chown(folder, 1000, 1000)
        assert not why(folder)


def test_only_the_hosts_root_can_show_owners_as_others() -> None:
    known = (parse("a=/srv/a:ro", *HERE),)
    mount = Mount(known[0].place, "/mnt/a")
    for host_root in (True, False):
        told = lent(mount, known, Standing(host_root=host_root, first_uid=1, uids=1))
        assert (told.read_only, told.mapped, told.path) == (True, host_root, "/mnt/a")
    with pytest.raises(MountFailure, match="started without it"):
        lent(Mount("0" * 17, "/mnt/a"), known, Standing(host_root=True, first_uid=1, uids=1))
