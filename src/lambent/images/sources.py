"""From a name to an image: the same steps for every source, each answer checked against its digest."""

from lambent.images import manifest
from lambent.images.api import Image, Limits, Source, invalid


def resolve(source: Source, wanted: str, architecture: str, limits: Limits) -> Image:
    """The image behind a tag or digest, for `architecture`. Raises ImageError."""
    data = source.manifest(wanted)
    if wanted.startswith("sha256:"):
        manifest.checked(data, wanted)
    chosen = manifest.chosen(data, architecture)
    if chosen is not None:
        data = manifest.checked(source.manifest(chosen), chosen)
    parts = manifest.parts(data, limits.layers)
    digest = manifest.sha256(data).removeprefix("sha256:")
    return manifest.image(digest, parts, manifest.checked(_whole(source, parts), parts.config), architecture)


def _whole(source: Source, parts: manifest.Parts) -> bytes:
    if parts.config_bytes > manifest.MOST_BYTES:
        raise invalid("its configuration is too large")
    found = bytearray()
    for piece in source.blob(parts.config):
        found += piece
        if len(found) > parts.config_bytes:
            raise invalid("its configuration is larger than the manifest says")
    return bytes(found)
