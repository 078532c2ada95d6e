"""An image from its source to the shelf, and from there to a root. Slow: for a process or a thread of its own."""

import shutil
from collections.abc import Callable
from pathlib import Path

from lambent.images.api import Image, ImageError, Layer, Limits, Progress, Source, invalid
from lambent.images.layer_stream import Inflated, Transfer
from lambent.images.layer_tree import ENTRY_BYTES, Changes, Unpacker
from lambent.images.merge import Root
from lambent.images.shelf import UNFINISHED, Shelf
from lambent.store.durable import sync_file_system, sync_folder

Tell = Callable[[Progress], None]


def fetch(image: Image, source: Source | None, shelf: Shelf, limits: Limits, tell: Tell) -> None:
    """Have every layer of `image` on the shelf, those that are there not once more. `shelf.adding` is the caller's.

    Raises:
        ImageError: it cannot be had; what is whole of it stays.
        OSError: the disk would not take it.
    """
    if len(image.layers) > limits.layers:
        raise invalid(f"it has more than {limits.layers} layers")
    shelf.keep_image(image)
    missing = {layer.diff_id: layer for layer in image.layers if shelf.changes(layer) is None}
    total_bytes = sum(layer.size_bytes for layer in missing.values())
    done = 0

    def more(count: int) -> None:
        nonlocal done
        done += count
        tell(Progress(done, total_bytes))

    used_bytes = sum(_changes(shelf, layer).unpacked_bytes for layer in image.layers if layer.diff_id not in missing)
    for layer in missing.values():
        if source is None:
            raise ImageError("missing", f"the layer {layer.digest} is not here any more; import the image again")
        used_bytes += _one(layer, source, shelf, limits, limits.unpacked_bytes - used_bytes, more).unpacked_bytes
    if used_bytes > limits.unpacked_bytes:
        raise invalid(f"it is larger than {limits.unpacked_bytes} bytes unpacked")


def _one(
    layer: Layer, source: Source, shelf: Shelf, limits: Limits, most_bytes: int, more: Callable[[int], None]
) -> Changes:
    transfer = Transfer(layer, source.blob(layer.digest), more)
    tar = Inflated(transfer, layer.diff_id, most_bytes + limits.entries * ENTRY_BYTES)
    with shelf.new_layer() as tree:
        changes = Unpacker(tree, most_bytes, limits.entries).unpack(tar)  # type: ignore[arg-type]
        tar.check()
        transfer.check()
        shelf.keep_layer(tree, layer, changes)
    return changes


def _changes(shelf: Shelf, layer: Layer) -> Changes:
    found = shelf.changes(layer)
    if found is None:
        raise ImageError("missing", f"the layer {layer.digest} is gone")
    return found


def build(image: Image, shelf: Shelf, place: Path) -> None:
    """Make the root of `image` at `place`, whole or not at all. One at a time for each place.

    Raises:
        ImageError: its layers do not make a root.
        OSError: the disk would not take it.
    """
    if place.is_dir():
        return
    leave_nothing(place)
    making = _making(place)
    making.mkdir()
    try:
        root = Root(making)
        for layer in image.layers:
            root.add(shelf.tree(layer), _changes(shelf, layer))
        root.furnish()
        sync_file_system(making)
        making.rename(place)
        sync_folder(place.parent)
    finally:
        leave_nothing(place)


def leave_nothing(place: Path) -> None:
    """Nothing half-made for `place` is there afterwards; what stands at it is whole, and stays."""
    shutil.rmtree(_making(place), ignore_errors=True)


def _making(place: Path) -> Path:
    return place.parent / f"{UNFINISHED}image-{place.name}"
