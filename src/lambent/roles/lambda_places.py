"""Where the Lambda service keeps things: its database, packages, unpacked code and container images."""

import asyncio

from lambent.config import Settings
from lambent.ids import Ids
from lambent.images.api import Limits
from lambent.images.registry import RegistrySettings
from lambent.images.store import ImageStore
from lambent.roles.control_stores import Stores
from lambent.services.lambda_.service import Places
from lambent.store.blobs import open_blobs
from lambent.store.private_file import read_or_make
from lambent.vault import Vault


async def open_places(stores: Stores, settings: Settings, vault: Vault, ids: Ids) -> Places:
    """All of them, below the data folder."""
    data = settings.data
    return Places(
        await stores.open("lambda", "lambent.services.lambda_"),
        await open_blobs(data / "blobs"),
        data / "code",
        await asyncio.to_thread(read_or_make, data / "link-secret", lambda: ids.secret(43).encode()),
        vault,
        _images(settings, ids),
    )


def _images(settings: Settings, ids: Ids) -> ImageStore:
    data, quotas = settings.data.resolve(), settings.quotas
    registries = RegistrySettings(settings.image_registry, settings.image_registry_ca, settings.image_registry_login)
    limits = Limits(quotas.image_bytes, quotas.image_entries, quotas.image_layers)
    return ImageStore(data / "images", data / "code", registries, limits, ids)
