"""Who is who, connected: access keys, what seals them, IAM and STS."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from lambent.roles.control_ground import Ground
from lambent.roles.control_links import Doors
from lambent.services.iam.keys import Keys, KeySettings
from lambent.services.iam.service import iam_operations
from lambent.services.iam.store import IamStore
from lambent.services.operation import Operation
from lambent.services.sts.service import sts_operations
from lambent.vault import Vault, open_vault


class Identities(NamedTuple):
    """Made by `open_identities`."""

    keys: Keys
    vault: Vault
    operations: dict[str, Mapping[str, Operation]]


async def open_identities(on: Ground, doors: Doors) -> Identities:
    """Open the database and the vault; the root access key is there afterwards."""
    settings, data = on.settings, on.settings.data
    store = IamStore(await on.stores.open("iam", "lambent.services.iam"))
    root_key = data / "root-key.json"
    vault = await asyncio.to_thread(open_vault, data / "master.key", needed=root_key.exists())
    key_settings = KeySettings(root_key, settings.account, settings.dev_credentials)
    keys = Keys(store, vault, on.clock, on.ids, key_settings)
    await keys.root_key()
    operations: dict[str, Mapping[str, Operation]] = {
        "iam": iam_operations(store, vault, on.clock, on.ids, doors),
        "sts": sts_operations(keys),
    }
    return Identities(keys, vault, operations)
