"""Layers to one root. Source: OCI image specification, "Applying changesets"."""

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
from lambent.images.layer_tree import Unpacker
from lambent.images.merge import FILES, PLACES, Root

Layer = list[tuple[tarfile.TarInfo, bytes]]


def merged(home: Path, *layers: Layer) -> Path:
    (home / "root").mkdir()
    root = Root(home / "root")
    for number, layer in enumerate(layers):
        tree = home / f"layer{number}"
        tree.mkdir()
        root.add(tree, Unpacker(tree, 1 << 20, 1000).unpack(io.BytesIO(tar(layer))))
    root.furnish()
    return home / "root"


def names(root: Path) -> set[str]:
    return {entry.name for entry in root.iterdir()} - set(PLACES)


def test_the_upper_layer_wins_and_files_are_shared_with_the_layers(tmp_path: Path) -> None:
    root = merged(tmp_path, [entry("a", "old"), entry("b", "b")], [entry("a", "new")])
    assert (root / "a").read_text() == "new"
    assert (root / "b").samefile(tmp_path / "layer0/b")
    assert (tmp_path / "layer0/a").read_text() == "old"


def test_what_an_upper_layer_takes_away_is_gone_and_what_it_hides_too(tmp_path: Path) -> None:
    below = [entry("d/one", "1"), entry("d/two", "2"), entry("e/old", "x"), entry("f", "x")]
    root = merged(tmp_path, below, [entry("d/.wh.one"), entry("e/.wh..wh..opq"), entry("e/new", "y"), entry(".wh.f")])
    assert os.listdir(root / "d") == ["two"]
    assert os.listdir(root / "e") == ["new"]
    assert names(root) == {"d", "e"}


def test_a_file_that_becomes_a_folder_and_the_other_way_round(tmp_path: Path) -> None:
    root = merged(tmp_path, [entry("a", "x"), entry("b/deep/f", "x")], [entry("a/f", "x"), entry("b", "y")])
    assert (root / "a/f").read_text() == "x"
    assert (root / "b").read_text() == "y"


def test_a_folder_on_the_way_is_found_through_a_link_inside_the_root(tmp_path: Path) -> None:
    root = merged(tmp_path, [folder("usr/lib"), link("lib", "usr/lib")], [entry("lib/x.so", "x")])
    assert (root / "lib").is_symlink()
    assert (root / "usr/lib/x.so").read_text() == "x"


def test_a_folder_that_is_named_replaces_a_link(tmp_path: Path) -> None:
    root = merged(tmp_path, [folder("usr/lib"), link("lib", "usr/lib")], [folder("lib"), entry("lib/x.so", "x")])
    assert not (root / "lib").is_symlink()
    assert os.listdir(root / "usr/lib") == []


def test_a_hard_link_to_a_lower_layer_is_made(tmp_path: Path) -> None:
    root = merged(tmp_path, [entry("f", "x")], [hard_link("g", "f")])
    assert (root / "g").samefile(root / "f")


@pytest.mark.parametrize("target", ["nowhere", "l", "l/passwd"])
def test_a_hard_link_to_what_is_no_file_of_the_image_is_refused(tmp_path: Path, target: str) -> None:
    with pytest.raises(ImageError, match="leads to no file"):
        merged(tmp_path, [link("l", "/nowhere-on-this-host")], [hard_link("g", target)])


@pytest.mark.parametrize("target", ["{outside}", "../outside", "/../../outside"])
def test_no_link_of_a_lower_layer_leads_an_upper_one_out(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/kept").write_text("kept")
    lower = [link("way", target.format(outside=tmp_path / "outside"))]
    merged(tmp_path, lower, [entry("way/new", "x"), entry("way/.wh.kept"), entry("way/.wh..wh..opq")])
    assert os.listdir(tmp_path / "outside") == ["kept"]


def test_where_the_sandbox_mounts_there_are_real_folders_and_files(tmp_path: Path) -> None:
    hostile = [
        link("proc", "/"),
        entry("dev", "x"),
        link("tmp", "etc"),
        link("etc/hosts", "/x"),
        folder("etc/resolv.conf"),
    ]
    root = merged(tmp_path, hostile)
    assert all(stat.S_ISDIR(os.lstat(root / name).st_mode) for name in PLACES)
    assert all(stat.S_ISREG(os.lstat(root / "etc" / name).st_mode) for name in FILES)


def test_an_etc_that_is_a_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="etc"):
        merged(tmp_path, [link("etc", "/etc")])


NAMES = st.sampled_from(["a", "b", "a/b", "b/a", "a/b/c", ".wh.a", "a/.wh.b", "b/.wh..wh..opq", "etc", "tmp/x"])
TARGETS = st.sampled_from(["a", "b", "..", "/", "../../..", "a/b", "/b", "."])
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
ENTRIES = st.builds(
    lambda name, kind, target: entry(name, b"x" if kind == tarfile.REGTYPE else b"", type=kind, linkname=target),
    NAMES,
    KINDS,
    TARGETS,
)


@settings(max_examples=60)
@given(st.lists(st.lists(ENTRIES, max_size=5), max_size=4))
def test_whatever_layers_do_nothing_outside_of_the_root_changes(
    tmp_path_factory: pytest.TempPathFactory, layers: list[Layer]
) -> None:
    home = tmp_path_factory.mktemp("fuzz")
    for name in ("a", "b"):  # what a link that leads out would meet
        (home / name).mkdir()
        (home / name / "b").write_text("kept")
    with contextlib.suppress(ImageError):
        merged(home, *layers)
    assert [(home / name / "b").read_text() for name in ("a", "b")] == ["kept", "kept"]
    assert {path.name.rstrip("0123456789") for path in home.iterdir()} <= {"a", "b", "root", "layer"}
