"""From a source to the shelf and to a root, also when somebody is killed on the way."""

import asyncio
import io
import json
import os
import signal
import sys
import tarfile
from pathlib import Path

import msgspec
import pytest
from tests.images.layouts import Layout, entry, tar

from lambent.ids import FakeIds, SystemIds
from lambent.images import sources
from lambent.images.api import Image, ImageError, Limits, Progress
from lambent.images.archive import Archive, Files
from lambent.images.pull import build, fetch
from lambent.images.registry import RegistrySettings
from lambent.images.shelf import Shelf
from lambent.images.store import ImageStore
from lambent.images.worker import Order

LIMITS = Limits(1 << 20, 1000, 5)


def nobody(progress: Progress) -> None:
    """Listens."""


def imported(shelf: Shelf, path: Path, name: str = "localhost/app:1", limits: Limits = LIMITS) -> Image:
    files = Files(path)
    source = Archive(files)
    image = sources.resolve(source, source.top, "x86_64", limits)
    with shelf.adding():
        fetch(image, source, shelf, limits, nobody)
        shelf.name(name, image.digest)
    files.close()
    return image


def made(place: Path, *contents: str) -> Layout:
    layout = Layout(place)
    for number, content in enumerate(contents):
        layout.add([entry(f"f{number}", content)], ("gzip", "zstd", "")[number % 3])
    return layout.finish(Cmd=["/f0"])


def test_an_image_of_three_kinds_of_layers_becomes_a_root(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", FakeIds())
    image = imported(shelf, made(tmp_path / "l", "zero", "one", "two").place)
    build(image, shelf, tmp_path / "root")
    assert [(tmp_path / f"root/f{n}").read_text() for n in range(3)] == ["zero", "one", "two"]
    assert shelf.named("localhost/app:1") == image


def test_a_layer_that_is_there_is_not_fetched_once_more(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", FakeIds())
    imported(shelf, made(tmp_path / "a", "same", "a").place)
    second = made(tmp_path / "b", "same", "b")
    (second.place / "blobs/sha256" / second.layers[0]["digest"][7:]).unlink()
    image = imported(shelf, second.place, "localhost/app:2")
    assert len(list((tmp_path / "shelf/layers").iterdir())) == 3
    build(image, shelf, tmp_path / "root")
    assert (tmp_path / "root/f1").read_text() == "b"


@pytest.mark.parametrize("what", ["other bytes", "fewer bytes", "more bytes", "another tar", "too large"])
def test_a_layer_that_is_not_what_it_should_be_leaves_nothing(tmp_path: Path, what: str) -> None:
    layout = Layout(tmp_path / "l").add([entry("f", "x" * 2000)], "")
    blob = layout.place / "blobs/sha256" / layout.layers[0]["digest"][7:]
    data = blob.read_bytes()
    changed = {"other bytes": data[:600] + b"!" + data[601:], "fewer bytes": data[:-512], "more bytes": data + b"!"}
    blob.write_bytes(changed.get(what, data))
    if what == "another tar":
        layout.diff_ids[0] = "sha256:" + "0" * 64
    shelf = Shelf(tmp_path / "shelf", FakeIds())
    with pytest.raises(ImageError) as caught:
        imported(shelf, layout.finish(Cmd=["x"]).place, limits=Limits(100, 10, 5) if what == "too large" else LIMITS)
    assert caught.value.kind == "invalid"
    assert list((tmp_path / "shelf/layers").iterdir()) == []
    assert shelf.names() == {}


def test_what_docker_save_wrote_before_there_were_layouts(tmp_path: Path) -> None:
    layer = tar([entry("f", "x")])
    config = {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/f"]}}
    digest = Layout(tmp_path / "unused").blob(layer)
    files = {
        "c.json": json.dumps(config | {"rootfs": {"diff_ids": [digest]}}).encode(),
        "1/layer.tar": layer,
        "manifest.json": b'[{"Config": "c.json", "RepoTags": ["app:7"], "Layers": ["1/layer.tar"]}]',
    }
    with tarfile.open(tmp_path / "saved.tar", "w") as saved:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            saved.addfile(info, io.BytesIO(data))
    shelf = Shelf(tmp_path / "shelf", FakeIds())
    assert imported(shelf, tmp_path / "saved.tar").settings.entry_point == ("/f",)


def test_what_nobody_needs_goes_and_what_is_unfinished_too(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", FakeIds())
    kept, used, gone = (
        imported(shelf, made(tmp_path / name, "shared", name).place, f"localhost/{name}:1") for name in ("k", "u", "g")
    )
    (tmp_path / "shelf/layers/.unfinished-x/tree").mkdir(parents=True)
    assert shelf.forget_name("localhost/u:1")
    assert shelf.forget_name("localhost/g:1")
    with shelf.adding():
        assert shelf.collect([]) == []  # somebody may be at it
    assert shelf.collect([used.digest]) == [gone.layers[1].diff_id[7:]]
    assert sorted(path.name for path in (tmp_path / "shelf/layers").iterdir()) == sorted(
        layer.diff_id[7:] for layer in (kept.layers[0], kept.layers[1], used.layers[1])
    )
    with pytest.raises(ImageError):
        shelf.image(gone.digest)


async def test_control_has_a_root_made_in_another_process(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", SystemIds())
    image = imported(shelf, made(tmp_path / "l", "zero").place)
    (tmp_path / "code").mkdir()
    store = ImageStore(tmp_path / "shelf", tmp_path / "code", RegistrySettings(), LIMITS, SystemIds())
    found = await store.resolve("localhost/app:1", "x86_64")
    assert found.uri == f"localhost/app@sha256:{image.digest}"
    await store.make_root(found.uri, image.digest, "x86_64")
    assert (tmp_path / "code" / image.digest / "f0").read_text() == "zero"
    assert [path.name for path in (tmp_path / "code").iterdir()] == [image.digest]
    with pytest.raises(ImageError) as caught:
        await store.make_root("localhost/app@sha256:" + "1" * 64, "1" * 64, "x86_64")
    assert caught.value.kind == "missing"


async def test_a_pull_that_is_killed_leaves_nothing_that_counts_and_the_next_one_goes_on(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", SystemIds())
    layout = made(tmp_path / "l", "zero", "one")
    second = layout.place / "blobs/sha256" / layout.layers[1]["digest"][7:]
    data = second.read_bytes()
    second.unlink()
    os.mkfifo(second)  # whoever reads it waits
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from tests.unit.images.test_pull import imported\n"
        "from lambent.images.shelf import Shelf\nfrom lambent.ids import SystemIds\n"
        "print('begun', flush=True)\n"
        "imported(Shelf(Path(sys.argv[2]), SystemIds()), Path(sys.argv[3]))"
    )
    root = str(Path(__file__).parents[3])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, root, str(tmp_path / "shelf"), str(layout.place), stdout=asyncio.subprocess.PIPE
    )
    writer = await asyncio.to_thread(os.open, second, os.O_WRONLY)  # it has come to the second layer
    os.write(writer, data[:20])
    process.send_signal(signal.SIGKILL)
    await process.wait()
    os.close(writer)
    assert shelf.names() == {}
    second.unlink()
    second.write_bytes(data)
    image = imported(shelf, layout.place)
    shelf.collect([])
    assert sorted(path.name for path in (tmp_path / "shelf/layers").iterdir()) == sorted(
        layer.diff_id[7:] for layer in image.layers
    )


HALF_WAY = """
import sys, time
import msgspec
from lambent.images import worker
from lambent.images.merge import Root
def furnish(self):
    print("half-way", flush=True)
    time.sleep(600)
Root.furnish = furnish
worker.pull(msgspec.json.decode(sys.argv[1], type=worker.Order), print)
"""


async def test_a_worker_that_is_killed_while_it_makes_a_root_leaves_nothing(tmp_path: Path) -> None:
    """Counted: one folder of roots after the next try, and on the shelf exactly what was there before."""
    shelf, roots = Shelf(tmp_path / "shelf", SystemIds()), tmp_path / "code"
    image = imported(shelf, made(tmp_path / "l", "zero", "one").place)
    roots.mkdir()
    uri, before = f"localhost/app@sha256:{image.digest}", count(tmp_path / "shelf")
    place = roots / image.digest
    order = Order(uri, "x86_64", str(tmp_path / "shelf"), str(place), RegistrySettings(), LIMITS)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HALF_WAY, msgspec.json.encode(order), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"half-way\n"
    process.kill()
    await process.wait()
    assert not place.exists()  # what is half-made has another name
    assert count(roots) > 0
    store = ImageStore(tmp_path / "shelf", roots, RegistrySettings(), LIMITS, SystemIds())
    await store.make_root(uri, image.digest, "x86_64")
    assert [path.name for path in roots.iterdir()] == [image.digest]
    assert [(place / name).read_text() for name in ("f0", "f1")] == ["zero", "one"]
    assert count(tmp_path / "shelf") == before


async def test_control_sweeps_up_behind_a_worker(tmp_path: Path) -> None:
    roots, digest = tmp_path / "code", "1" * 64
    store = ImageStore(tmp_path / "shelf", roots, RegistrySettings(), LIMITS, SystemIds())
    (roots / f".unfinished-image-{digest}" / "half").mkdir(parents=True)
    with pytest.raises(ImageError):
        await store.make_root(f"localhost/app@sha256:{digest}", digest, "x86_64")
    assert list(roots.iterdir()) == []


def count(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*"))


def test_an_order_travels_as_json(tmp_path: Path) -> None:
    order = Order("localhost/a@sha256:0", "x86_64", "s", "p", RegistrySettings(("h",), "c", "l"), LIMITS)
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order
