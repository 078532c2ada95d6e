"""Unpacking layers, hostile ones above all. Source: OCI image specification, "Image layer filesystem changeset"."""

import contextlib
import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.images.layouts import entry, folder, hard_link, link, tar

from lambent.images.api import ImageError
from lambent.images.layer_tree import Changes, Unpacker

MOST_BYTES, MOST_ENTRIES = 1 << 20, 1000


def unpack(place: Path, data: bytes) -> Changes:
    place.mkdir()
    return Unpacker(place, MOST_BYTES, MOST_ENTRIES).unpack(io.BytesIO(data))


def test_files_folders_and_links_are_there_as_they_were(tmp_path: Path) -> None:
    layer = [folder("d", 0o750), entry("d/f", "text", 0o640, mtime=1234), link("l", "/anywhere"), hard_link("h", "d/f")]
    changes = unpack(tmp_path / "t", tar(layer))
    assert (tmp_path / "t/d/f").read_text() == "text"
    assert (tmp_path / "t/d/f").stat().st_mtime == 1234
    assert stat.S_IMODE((tmp_path / "t/d/f").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "t/d").stat().st_mode) == 0o750
    assert os.readlink(tmp_path / "t/l") == "/anywhere"
    assert (tmp_path / "t/h").samefile(tmp_path / "t/d/f")
    assert (changes.unpacked_bytes, changes.entries, changes.gone, changes.borrowed) == (4, 4, (), ())


def test_devices_pipes_and_set_user_id_bits_are_left_out(tmp_path: Path) -> None:
    device = entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    changes = unpack(tmp_path / "t", tar([device, entry("p", type=tarfile.FIFOTYPE), entry("su", "x", 0o6755)]))
    assert os.listdir(tmp_path / "t") == ["su"]
    assert stat.S_IMODE((tmp_path / "t/su").stat().st_mode) == 0o755
    assert changes.entries == 3


def test_what_is_taken_away_is_told_and_not_made(tmp_path: Path) -> None:
    layer = [entry("a/.wh.b"), entry("c/.wh..wh..opq"), entry(".wh..wh.plnk/1.2", "x"), entry("deep/er/f", "x")]
    changes = unpack(tmp_path / "t", tar(layer))
    assert changes.gone == (("a", "b"),)
    assert changes.opaque == (("c",),)
    assert changes.implied == (("deep",), ("deep", "er"))
    assert os.listdir(tmp_path / "t") == ["deep"]


def test_a_hard_link_to_a_lower_layer_is_left_to_whoever_has_that(tmp_path: Path) -> None:
    assert unpack(tmp_path / "t", tar([hard_link("here", "/below/f")])).borrowed == ((("here",), ("below", "f")),)


HOSTILE = {
    "a name with dots": [entry("../out", "x")],
    "dots in the middle": [entry("a/../../out", "x")],
    "through an absolute link": [link("a", "/etc"), entry("a/out", "x")],
    "through a link upwards": [link("a", ".."), entry("a/out", "x")],
    "below a file": [entry("f", "x"), entry("f/out", "x")],
    "a folder that becomes a file": [folder("d"), entry("d", "x")],
    "a hard link out": [hard_link("h", "../../etc/passwd")],
    "a hard link to a folder": [folder("d"), hard_link("h", "d")],
    "takes away nothing": [entry("x/.wh.", "")],
    "takes away what is above": [entry(".wh...", "")],
    "a long name": [entry("n" * 256, "x")],
    "a deep name": [entry("/".join("d" * 200), "x")],
    "too many bytes": [entry("big", b"0" * (MOST_BYTES + 1))],
    "too many entries": [entry(f"f{number}") for number in range(MOST_ENTRIES + 1)],
}


@pytest.mark.parametrize("layer", HOSTILE.values(), ids=HOSTILE)
def test_what_leads_out_or_is_too_much_is_refused(tmp_path: Path, layer: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    with pytest.raises(ImageError) as caught:
        unpack(tmp_path / "t", tar(layer))
    assert caught.value.kind == "invalid"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t"]


def test_the_later_of_two_files_of_one_name_is_there_and_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("kept")
    unpack(tmp_path / "t", tar([link("f", str(tmp_path / "victim")), entry("f", "new"), entry("f", "newest")]))
    assert (tmp_path / "t/f").read_text() == "newest"
    assert not (tmp_path / "t/f").is_symlink()
    assert (tmp_path / "victim").read_text() == "kept"


@pytest.mark.parametrize("data", [b"nonsense" * 200, b"x" * 511], ids=["noise", "short"])
def test_what_is_no_tar_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ImageError, match="no tar"):
        unpack(tmp_path / "t", data)


NAMES = st.sampled_from(
    ["a", "b", "a/b", "a/b/c", "../x", "/a", "./b", "a/..", "a//c", ".wh.a", "a/.wh..wh..opq", "..", ""]
)
TARGETS = st.sampled_from(["a", "..", "/", "../../../../tmp", "/etc", "a/b", "b/../..", "."])
KINDS = st.sampled_from(
    [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
ENTRIES = st.builds(
    lambda name, kind, target, mode: entry(
        name, b"x" if kind == tarfile.REGTYPE else b"", mode, type=kind, linkname=target
    ),
    NAMES,
    KINDS,
    TARGETS,
    st.integers(0, 0o7777),
)


@settings(max_examples=60)
@given(st.lists(ENTRIES, max_size=12))
def test_whatever_is_in_a_layer_nothing_is_made_outside(
    tmp_path_factory: pytest.TempPathFactory, layer: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    home = tmp_path_factory.mktemp("fuzz")
    (home / "outside").write_text("kept")
    with contextlib.suppress(ImageError):
        unpack(home / "tree", tar(layer))
    assert sorted(path.name for path in home.iterdir()) == ["outside", "tree"]
    assert (home / "outside").read_text() == "kept"
    for above, folders, files in os.walk(home / "tree"):
        for name in (*folders, *files):
            found = os.lstat(os.path.join(above, name))
            assert stat.S_IFMT(found.st_mode) in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)
            assert not found.st_mode & 0o6000 or stat.S_ISLNK(found.st_mode)


@settings(max_examples=50)
@given(st.binary(max_size=2048), st.integers(0, 600))
def test_a_damaged_tar_is_refused_or_read_and_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    data = tar([entry("f", "x" * 100), folder("d")])
    home = tmp_path_factory.mktemp("noise")
    with contextlib.suppress(ImageError):
        unpack(home / "tree", data[:at] + noise + data[at + len(noise) :])
    assert os.listdir(home) == ["tree"]
