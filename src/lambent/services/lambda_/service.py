"""The Lambda service, put together."""

from collections.abc import Collection
from pathlib import Path

from msgspec import Struct

from lambent.clock import Clock
from lambent.config import Settings
from lambent.ids import Ids
from lambent.model.function import FunctionKey
from lambent.services.changes import Changes
from lambent.services.lambda_ import store
from lambent.services.lambda_.account import Account
from lambent.services.lambda_.aliases import Aliases
from lambent.services.lambda_.api import Images, Links
from lambent.services.lambda_.callers import guarded
from lambent.services.lambda_.code import CodeStore
from lambent.services.lambda_.code_signing import CodeSigning
from lambent.services.lambda_.code_updates import CodeUpdates
from lambent.services.lambda_.completion import Completion
from lambent.services.lambda_.concurrency import Concurrency
from lambent.services.lambda_.configuration import Rules
from lambent.services.lambda_.configuration_updates import ConfigurationUpdates
from lambent.services.lambda_.data_plane import DataPlane
from lambent.services.lambda_.download import Downloads
from lambent.services.lambda_.event_invoke_configs import EventInvokeConfigs
from lambent.services.lambda_.event_rules import KnownRules
from lambent.services.lambda_.event_source_mappings import EventSourceMappings
from lambent.services.lambda_.functions import Functions
from lambent.services.lambda_.layer_permissions import LayerPermissions
from lambent.services.lambda_.layers import Layers
from lambent.services.lambda_.mapping_work import MappingWork
from lambent.services.lambda_.packages import PackageLimits
from lambent.services.lambda_.permissions import Permissions
from lambent.services.lambda_.provisioned import ProvisionedConcurrency
from lambent.services.lambda_.recursion import Recursion
from lambent.services.lambda_.resources import Resources
from lambent.services.lambda_.runtime_management import RuntimeManagement
from lambent.services.lambda_.sealing import SealedDatabase
from lambent.services.lambda_.tags import Tags
from lambent.services.lambda_.urls import Urls
from lambent.services.lambda_.versions import Versions
from lambent.services.operation import operations_of
from lambent.store.api import Blobs, Database
from lambent.vault import Vault


class Places(Struct, frozen=True):
    """Where this service keeps things; all of it is this service's alone.

    `code_folder` holds the unpacked code, one folder for each digest. `link_secret` signs download
    links, and may be any bytes that nobody can guess. `vault` seals environment variables. `images` makes the
    roots of container images in `code_folder`.
    """

    database: Database
    blobs: Blobs
    code_folder: Path
    link_secret: bytes
    vault: Vault
    images: Images


class LambdaService:
    """See api.py for the contract.

    `operations` is what the gateway dispatches to, `data_plane` what invoking and placement ask,
    `downloads` what answers GetFunction's links, `permissions` who may invoke, `urls` what a
    function URL leads to, `event_rules` what becomes of asynchronous events, `mappings` is told when
    a poller gives up.
    """

    def __init__(self, places: Places, settings: Settings, clock: Clock, ids: Ids, links: Links) -> None:
        quotas = settings.quotas
        self._invalidator = links.invalidator
        self._database = database = SealedDatabase(places.database, places.vault)
        limits = PackageLimits(quotas.zip_bytes, quotas.unzipped_bytes, quotas.zip_entries)
        self._code = CodeStore(database, places.blobs, places.code_folder, limits, places.images, clock)
        file_systems = {each.arn: each.place for each in settings.file_systems}
        self.data_plane = DataPlane(database, self._code, quotas, clock, file_systems)
        self.event_rules = KnownRules(database)
        self.mappings = MappingWork(database, links.pollers, clock, ids)
        self._changes = Changes(database, self._announce)
        self._completion = Completion(database, self._code, self._changes, links.snapshots, clock, ids)
        resources = Resources(
            database,
            self._code,
            self._changes,
            self._completion,
            clock,
            ids,
            Rules(quotas, links, settings.isolation == "sandbox", file_systems),
        )
        self.downloads = Downloads(self._code, clock, places.link_secret)
        self.permissions = Permissions(resources)
        self.urls = Urls(resources, self.permissions, invoke_permission=settings.url_invoke_permission)
        operations = operations_of(
            Functions(resources, self.downloads),
            Versions(resources),
            Aliases(resources),
            CodeUpdates(resources),
            ConfigurationUpdates(resources),
            Concurrency(resources),
            ProvisionedConcurrency(resources),
            Account(resources),
            Tags(resources),
            Layers(resources, self.downloads),
            LayerPermissions(resources),
            self.permissions,
            self.urls,
            EventInvokeConfigs(resources),
            EventSourceMappings(resources, self.mappings),
            Recursion(resources),
            RuntimeManagement(resources),
            CodeSigning(resources),
        )
        self.operations = guarded(operations, self.permissions)

    async def _announce(self, key: FunctionKey) -> None:
        self.data_plane.changed(key)
        self.event_rules.changed(key)
        await self._invalidator.invalidate([key])

    async def start(self) -> None:
        """Sweep what was half unpacked, and take up what an earlier process had not finished."""
        await self._seal()
        await self._code.start()
        await self._completion.resume()
        await self.mappings.resume()

    async def _seal(self) -> None:
        """After the migration that brought secrets: seal them, and let no file keep what they were."""
        if "seal" not in await self._database.read(store.chores):
            return
        await self._database.write(store.seal_all)
        await self._database.rewrite()
        await self._database.write(lambda tx: store.forget_chore(tx, "seal"))

    async def close(self) -> None:
        """Wait for changes in hand; what is unsettled is taken up at the next start."""
        await self.mappings.close()
        await self._completion.close()
        await self._changes.close()
        await self._code.close()

    async def settle(self) -> None:
        """Return when no background work is in hand."""
        await self._completion.wait()
        await self.mappings.wait()

    async def collect_code(self, in_use: Collection[str]) -> list[str]:
        """Delete the code that no version refers to; `in_use` is what living environments have mounted."""
        return await self._code.collect(in_use)
