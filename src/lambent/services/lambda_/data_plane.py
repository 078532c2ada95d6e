"""What invoking asks of this service: snapshots, what environments are made from, limits.

An environment is asked for by its key, a hash of all that it is made from. What the key leads to
is remembered, so a start reads nothing, and survives a change for a while (see recent.py).
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.environment.variables import Circumstances, variables
from lambent.model.environment import EnvironmentSpec, Reach
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.function_name import LATEST, function_arn
from lambent.model.messages import LeaseRequest
from lambent.placement.api import Allowance, Wanted
from lambent.services.lambda_ import attachments, event_store, images, provisioned_store, snap_start, store
from lambent.services.lambda_.code import CodeStore
from lambent.services.lambda_.errors import Failed
from lambent.services.lambda_.file_systems import mount_of
from lambent.services.lambda_.model import State, Version
from lambent.services.lambda_.names import find_version, second_version
from lambent.services.lambda_.policy import has_denial
from lambent.services.lambda_.provisioned import wanted_of
from lambent.services.lambda_.reach import keyed, reach_of, unkeyed
from lambent.services.lambda_.recent import RecentVersions
from lambent.services.lambda_.states import refusal
from lambent.store.api import Database, Transaction


class Told(Struct, frozen=True):
    """What a function says for all its versions."""

    reserved: int | None = None
    loops: bool = False
    reach: Reach | None = None
    guarded: bool = False


MOST_LOOKED_AT = 500


class DataPlane:
    """Read by control on behalf of the edges and of placement."""

    def __init__(
        self, database: Database, code: CodeStore, quotas: Quotas, clock: Clock, file_systems: Mapping[str, str]
    ) -> None:
        self._database, self._code, self._quotas, self._file_systems = database, code, quotas, file_systems
        self._recent = RecentVersions(clock)

    async def snapshot(self, key: FunctionKey, qualifier: str) -> FunctionSnapshot:
        """What `qualifier` ("" for none) leads to, ready to be invoked. Raises NotFound."""

        def work(tx: Transaction) -> tuple[Version, Version | None, float, Told]:
            version = find_version(tx, key, qualifier)
            other, weight = second_version(tx, key, qualifier)
            reserved, reach = store.function(tx, key).reserved_concurrency, reach_of(store.tags_of(tx, key))
            guarded = has_denial(attachments.policy(tx, key, "" if qualifier == LATEST else qualifier))
            return version, other, weight, Told(reserved, event_store.may_loop(tx, key), reach, guarded)

        version, other, weight, told = await self._database.read(work)
        self._recent.add(version)
        snapshot = _snapshot(version, qualifier, told)
        if other is None:
            return snapshot
        self._recent.add(other)
        return msgspec.structs.replace(snapshot, other=_snapshot(other, qualifier, told), other_weight=weight)

    async def kinds(self) -> set[tuple[str, int]]:
        """Runtime and MemorySize of the functions that are there, each pair once; of very many functions only some."""
        return await self._database.read(lambda tx: store.kinds(tx, MOST_LOOKED_AT))

    async def environment_spec(
        self, request: LeaseRequest, environment_id: str, circumstances: Circumstances, network: Reach
    ) -> EnvironmentSpec:
        """All that the agent needs for one environment; its code is unpacked when this returns.

        Raises:
            NotFound: there is no such version.
            Failed: it changed too long ago, or its code cannot be unpacked.
            MountFailure: its file system is lent no more.
        """
        version = await self._version(request)
        await self._code.ensure(version)
        wanted, snapshot = version.configuration, _snapshot(version, "", Told())
        if version.snapshotted:
            circumstances = msgspec.structs.replace(circumstances, initialization_type=snap_start.INITIALIZATION_TYPE)
        if wanted.log_format == "JSON":
            level = wanted.application_log_level
            circumstances = msgspec.structs.replace(circumstances, log_format="JSON", log_level=level)
        defaults = None if version.image is None else images.defaults_of(version.image)
        told = variables(snapshot, wanted.variables or {}, circumstances, defaults)
        return EnvironmentSpec(
            environment_id=environment_id,
            environment_key=request.environment_key,
            function=version.key,
            version=version.name,
            runtime=wanted.runtime,
            handler=wanted.handler,
            code=version.code,
            layers=version.layers,
            memory_mb=wanted.memory_mb,
            ephemeral_mb=wanted.ephemeral_mb,
            variables=_of_snapshot(told, circumstances) if version.snapshotted else told,
            log_stream=circumstances.log_stream,
            network=network,
            initialization_type=circumstances.initialization_type,
            provisioned_for=request.qualifier if request.provisioned else "",
            init_timeout_s=max(self._quotas.provisioned_init_timeout_s, wanted.timeout_s),
            snapshot=version.snapshotted,
            mount=mount_of(wanted.file_system, self._file_systems),
            container=None if version.image is None else images.container_of(version.image, wanted),
            log_level=wanted.application_log_level,
            system_log_level=wanted.system_log_level,
        )

    @staticmethod
    def reach(request: LeaseRequest) -> Reach | None:
        """What the environment to make may reach; None for the node's default."""
        return unkeyed(request.environment_key)[1]

    async def role(self, request: LeaseRequest) -> str:
        """The execution role of the environment to make. Raises as `environment_spec`."""
        return (await self._version(request)).configuration.role

    async def log_group(self, request: LeaseRequest) -> str:
        """Where the environment to make logs. Raises as `environment_spec`."""
        return (await self._version(request)).configuration.log_group

    async def memory_mb(self, request: LeaseRequest) -> int:
        """What the environment to make may use. Raises as `environment_spec`."""
        return (await self._version(request)).configuration.memory_mb

    async def allowance(self, key: FunctionKey) -> Allowance:
        """The concurrency limits that hold for `key` now."""

        def work(tx: Transaction) -> Allowance:
            function = store.find_function(tx, key)
            return Allowance(
                self._quotas.account_concurrency,
                None if function is None else function.reserved_concurrency,
                store.reserved_in_all(tx, key.account, key.region),
            )

        return await self._database.read(work)

    async def provisioned_functions(self) -> list[FunctionKey]:
        """The functions that have provisioned concurrency."""
        return await self._database.read(provisioned_store.functions)

    async def provisioned(self, key: FunctionKey) -> list[Wanted]:
        """The provisioned concurrency of `key` as it is configured now."""
        found = await self._database.read(lambda tx: wanted_of(tx, key))
        for version in [version for _, versions in found for version in versions]:
            self._recent.add(version)
        return [wanted for wanted, _ in found]

    def changed(self, key: FunctionKey) -> None:
        """Told after each committed change to `key`, before it is announced to anyone."""
        self._recent.changed(key)

    async def _version(self, request: LeaseRequest) -> Version:
        environment_key, _ = unkeyed(request.environment_key)
        known = self._recent.get(request.key, environment_key)
        if known is not None:
            return known
        version = await self._database.read(lambda tx: find_version(tx, request.key, request.version))
        if version.environment_key() != environment_key:
            raise Failed("The function was changed meanwhile; try again.")
        self._recent.add(version)
        return version


def _snapshot(version: Version, qualifier: str, told: Told) -> FunctionSnapshot:
    wanted = version.configuration
    return FunctionSnapshot(
        key=version.key,
        version=version.name,
        invoked_arn=function_arn(version.key, qualifier),
        environment_key=keyed(version.environment_key(), told.reach),
        runtime=wanted.runtime,
        handler=wanted.handler,
        timeout_s=wanted.timeout_s,
        memory_mb=wanted.memory_mb,
        ephemeral_mb=wanted.ephemeral_mb,
        role=wanted.role,
        log_group=wanted.log_group,
        revision_id=version.revision_id,
        reserved_concurrency=told.reserved,
        refusal=refusal(version),
        not_ready=version.snapshotted and version.state is State.PENDING,
        recursion_allowed=told.loops,
        system_log_level=wanted.system_log_level,
        active_tracing=wanted.active_tracing,
        guarded=told.guarded,
    )


def _of_snapshot(told: dict[str, str], circumstances: Circumstances) -> dict[str, str]:
    """With SnapStart there is no log stream yet, and credentials have to be renewed by who took them before.

    Source: Lambda Developer Guide, "Monitoring for Lambda SnapStart" (the two variables that are missing). AWS has
    clients fetch credentials from an address; a date of expiry makes SDKs read the variables again.
    """
    kept = {name: value for name, value in told.items() if name not in snap_start.HIDDEN_VARIABLES}
    if circumstances.credentials is not None:
        kept["AWS_CREDENTIAL_EXPIRATION"] = circumstances.credentials.expiration
    return kept
