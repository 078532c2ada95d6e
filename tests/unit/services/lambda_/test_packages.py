"""Hostile packages. Which entries are refused is our own choice; the words and sizes are AWS's."""

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.services.lambda_.packages import UNREADABLE, PackageLimits, check, unpack
from lambent.services.lambda_.zip_directory import entries_up_to

LIMITS = PackageLimits(zipped_bytes=1_000_000, unzipped_bytes=2_000_000, entries=100)


def entry(name: str, mode: int = 0o644, kind: int = stat.S_IFREG, system: int = 3) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr, info.create_system = (kind | mode) << 16, system
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def package(*entries: tuple[zipfile.ZipInfo | str, str | bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for info, text in entries:
            archive.writestr(entry(info) if isinstance(info, str) else info, text)
    return memory.getvalue()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, str]:
    return entry(name, 0o777, stat.S_IFLNK), target


GOOD = package(("app.py", "x = 1\n"), ("lib/data.bin", os.urandom(5000)), ("lib/text", "a" * 50_000))


def refused(data: bytes) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        check(data, LIMITS)
    return caught.value


def test_a_package_is_unpacked_readable_by_all_and_writable_by_none(tmp_path: Path) -> None:
    data = package(
        (entry("app.py", 0o600), "1"),
        (entry("bin/run", 0o4750), "2"),
        (entry("dos.py", 0, 0, system=0), "3"),
        (entry("./empty/", 0o700, stat.S_IFDIR), ""),
        link("bin/again", "run"),
        link("up", "bin/../app.py"),
    )
    assert check(data, LIMITS).unzipped_bytes == 3 + len("run") + len("bin/../app.py")
    unpack(data, LIMITS, tmp_path)
    modes = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.lstat().st_mode) for path in tmp_path.rglob("*")}
    modes = {name: mode for name, mode in modes.items() if not (tmp_path / name).is_symlink()}
    assert modes == {"app.py": 0o444, "bin": 0o755, "bin/run": 0o555, "dos.py": 0o444, "empty": 0o755}
    assert (tmp_path / "bin/again").read_text() == "2"
    assert (tmp_path / "up").read_text() == "1"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (package(("../x", "")), "leads out"),
        (package(("a/../../x", "")), "leads out"),
        (package(("/etc/passwd", "")), "leads out"),
        (package(link("l", "/etc/passwd")), "leads out"),
        (package(link("l", "../x")), "leads out"),
        (package(link("a/b/l", "../../../x")), "leads out"),
        (package(link("x/y/d", "../.."), link("x/y/l", "d/..")), "leads out"),
        (package(link("l", "l")), "leads out"),
        (package(link("a", "b"), link("b", "a")), "leads out"),
        (package(link("l", "")), "no usable target"),
        (package(link("l", "a\0b")), "no usable target"),
        (package(link("l", "a" * 2000)), "no usable target"),
        (package(link("l", "d"), ("d/f", ""), ("l/f", "")), "not a folder"),
        (package(("a", ""), ("a/b", "")), "not a folder"),
        (package(("a", "1"), ("./a", "2")), "there twice"),
        (package(("a", "1"), (entry("a/", 0o755, stat.S_IFDIR), "")), "there twice"),
        (package((entry("d", 0o644, stat.S_IFCHR), "")), "neither a file"),
        (package((entry("d", 0o644, stat.S_IFIFO), "")), "neither a file"),
        (package((entry("d", 0o644, stat.S_IFSOCK), "")), "neither a file"),
        (package(("x" * 256, "")), "too long"),
        (package(("a/" * 65 + "f", "")), "too deep"),
        (package(*((str(n), "") for n in range(101))), "more than 100 entries"),
        (package(*((f"{n}/1/2/3/4/5/6/7/8/9/f", "") for n in range(99))), "more than 100 folders"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_no_package_may_hold_is_refused_in_words(data: bytes, words: str) -> None:
    error = refused(data)
    assert error.code == "InvalidParameterValueException"
    assert error.message.startswith(UNREADABLE)
    assert words in error.message


def test_encrypted_entries_and_odd_methods_are_refused() -> None:
    flags = GOOD.rfind(b"PK\x01\x02") + 8
    assert "encrypted" in refused(GOOD[:flags] + b"\x01" + GOOD[flags + 1 :]).message
    method = flags + 2
    assert "deflate" in refused(GOOD[:method] + struct.pack("<H", 14) + GOOD[method + 2 :]).message


def test_a_package_has_something_in_it() -> None:
    for data in (b"", package(), package(("./", ""))):
        assert refused(data).message == "Uploaded file must be a non-empty zip"


def test_sizes_have_limits_in_the_words_of_aws() -> None:
    error = refused(b"x" * 1_000_001)
    assert (error.code, error.status) == ("RequestEntityTooLargeException", 413)
    assert error.message == "Zipped size must be smaller than 1000000 bytes"
    bomb = package(("zeros", bytes(2_000_001)))
    assert refused(bomb).message == "Unzipped size must be smaller than 2000000 bytes"
    check(package(("zeros", bytes(2_000_000))), LIMITS)


def test_a_size_that_the_header_lies_about_is_found_out() -> None:
    bomb = bytearray(package(("zeros", bytes(2_000_001))))
    directory = bomb.rfind(b"PK\x01\x02")
    bomb[directory + 24 : directory + 28] = struct.pack("<L", 10)
    assert refused(bytes(bomb)).message == UNREADABLE


@pytest.mark.parametrize("cut", range(0, len(GOOD) - 1, 97))
def test_a_truncated_package_is_refused(cut: int) -> None:
    assert refused(GOOD[: max(1, cut)]).message.startswith(UNREADABLE)


@pytest.mark.parametrize("count", [0, 1, 70])
def test_entries_are_counted_without_opening(count: int) -> None:
    data = package(*((str(n), "") for n in range(count)))
    assert entries_up_to(b"prefix" + data, 1000) == count
    assert entries_up_to(data, 10) == min(count, 11)


def test_a_zip64_directory_is_counted() -> None:
    many = package(*((str(n), "") for n in range(66_000)))
    assert entries_up_to(many, 100_000) == 66_000


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=12), st.data())
@example([], None)
def test_a_damaged_package_is_refused_or_stays_inside(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]], data: st.DataObject | None
) -> None:
    headers = [at for at in range(len(GOOD)) if GOOD.startswith((b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"), at)]
    broken = bytearray(GOOD)
    for position, value in damage:  # half of it where it hurts most
        hurts = data is not None and data.draw(st.booleans())
        start = data.draw(st.sampled_from(headers)) if data is not None and hurts else 0
        broken[min(len(GOOD) - 1, start + position % 46) if hurts else position] = value
    outside = tmp_path_factory.mktemp("outside")
    inside = outside / "inside"
    inside.mkdir()
    try:
        check(bytes(broken), LIMITS)
    except ServiceError:
        return
    unpack(bytes(broken), LIMITS, inside)
    assert [path.name for path in outside.iterdir()] == ["inside"]
    assert sum(path.lstat().st_size for path in inside.rglob("*") if path.is_file()) <= LIMITS.unzipped_bytes


@settings(max_examples=100)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused_in_words(data: bytes, with_end: bool) -> None:
    with pytest.raises(ServiceError):
        check(data + (package()[:12] + data[:10].ljust(10, b"\1") if with_end else b""), LIMITS)


parts = st.sampled_from(["a", "b", "..", "."])
paths = st.lists(parts, min_size=1, max_size=5).map("/".join)


@settings(max_examples=150)
@given(st.dictionaries(paths, paths, min_size=1, max_size=5))
def test_links_that_are_accepted_lead_nowhere_else(
    tmp_path_factory: pytest.TempPathFactory, links: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("package")
    data = package(*(link(name, target) for name, target in links.items()))
    try:
        check(data, LIMITS)
    except ServiceError:
        return
    unpack(data, LIMITS, folder)
    for name in links:
        assert os.path.realpath(folder / name).startswith(str(folder))
