"""What is wrong before the first part starts is said at once, with what to do about it."""

import os
import resource
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from lambent.config import Settings
from lambent.roles.premises import LEAST_OPEN_FILES, check_files, check_open_files, listen, take_data


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_folder_is_one_servers_at_a_time(tmp_path: Path) -> None:
    lock = take_data(tmp_path / "data")
    try:
        with pytest.raises(OSError, match=r"another server runs on .*; stop it, or choose another --data"):
            take_data(tmp_path / "data")
    finally:
        os.close(lock)
    os.close(take_data(tmp_path / "data"))


def test_unpacked_code_and_images_are_the_servers_alone_also_where_they_were_not(tmp_path: Path) -> None:
    for name in ("code", "images"):
        (tmp_path / name).mkdir(mode=0o755)
    os.close(take_data(tmp_path))
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("code", "images")] == [0o700, 0o700]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_place_of_the_folder_is_named_and_kept(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"cannot be used: a file is in its place; choose another --data"):
        take_data(tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_path_too_long_for_sockets_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    place = tmp_path / ("a" * 100)
    with pytest.raises(OSError, match=r"leave 89 bytes to it: .*; choose a shorter --data"):
        take_data(place)
    assert not place.exists()


def test_the_longest_path_that_is_allowed_has_room_for_the_sockets() -> None:
    longest = Path("/" + "a" * 88)
    with socket.socket(socket.AF_UNIX) as one, pytest.raises(FileNotFoundError):  # and not: path too long
        one.bind(str(longest / "run" / "edge-999.sock"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_that_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_242)
    with pytest.raises(OSError, match=r"belongs to another user .*; run this as its owner, or choose another --data"):
        take_data(tmp_path)


@pytest.mark.parametrize(
    "given",
    [
        {"image_registry_ca": "none.pem"},
        {"image_registry_login": "none.json"},
        {"tls_certificate": "none.pem"},
        {"nodejs_modules": "none"},
    ],
    ids=str,
)
def test_a_file_that_a_setting_names_has_to_be_there(given: dict[str, str]) -> None:
    (name, value), *_ = given.items()
    with pytest.raises(OSError, match=rf"--{name.replace('_', '-')} names .*{value}"):
        check_files(Settings.model_validate(given))


def test_files_that_are_there_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    (tmp_path / "modules").mkdir()
    check_files(Settings(image_registry_ca="ca.pem", nodejs_modules="modules"))


def _taken(port: int) -> tuple[str, int]:
    return "127.0.0.1", port


@pytest.mark.parametrize(
    ("where", "advice"),
    [(_taken, "choose another --port"), (lambda port: ("192.0.2.1", port), "choose a --host")],
    ids=["taken", "elsewhere"],
)
def test_what_cannot_be_listened_on_says_which_flag_would_help(
    where: Callable[[int], tuple[str, int]], advice: str
) -> None:
    with listen("127.0.0.1", 0) as held, pytest.raises(OSError, match=rf"cannot listen on .*{advice}"):
        listen(*where(held.getsockname()[1]))


@pytest.mark.parametrize("most", [60, LEAST_OPEN_FILES - 1])
def test_fewer_open_files_than_the_parts_need_are_refused_with_the_way_to_more(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (60, most))
    with pytest.raises(OSError, match=rf"may have {most} open files here .*LimitNOFILE=65536"):
        check_open_files()


@pytest.mark.parametrize("most", [LEAST_OPEN_FILES, resource.RLIM_INFINITY])
def test_enough_open_files_may_be_raised_to(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (60, most))
    check_open_files()
