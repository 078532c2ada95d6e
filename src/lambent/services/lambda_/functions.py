"""Functions: CreateFunction, GetFunction, GetFunctionConfiguration, ListFunctions, DeleteFunction.

Source: Lambda service model; behaviours sections 4 to 7.
"""

from collections.abc import Mapping

import msgspec

from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST
from lambent.services.lambda_ import alias_store, attachments, configuration, images, store, wire
from lambent.services.lambda_.download import Downloads
from lambent.services.lambda_.errors import Conflict, InvalidParameter, function_not_found
from lambent.services.lambda_.file_systems import check_place
from lambent.services.lambda_.model import IMAGE, CodeSize, Configuration, State, Version
from lambent.services.lambda_.names import NUMBER, find_version, named
from lambent.services.lambda_.pages import Place, marker_of, page_size, place_of
from lambent.services.lambda_.resources import Resources
from lambent.services.lambda_.tags import check_tags
from lambent.services.lambda_.unsupported import check_code
from lambent.services.lambda_.versions import publish
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

MOST_VERSIONS = 1_000_000  # all of them


class Functions:
    """The resource `function`."""

    def __init__(self, resources: Resources, downloads: Downloads) -> None:
        self._all, self._downloads = resources, downloads

    @operation("CreateFunction")
    async def create_function(self, context: RequestContext, request: Request) -> Answer:
        """Answers while the function is Pending; it becomes Active when its code is unpacked."""
        key, qualifier = named(context, request)
        if qualifier:
            raise InvalidParameter("The name of a new function cannot have a qualifier.")
        check_code(request["Code"])
        check_tags(request.get("Tags") or {}, self._all.rules)
        wanted = await configuration.created(key, request, self._all.rules)
        check_place(key, wanted.file_system)
        await self._all.check_dead_letter(key, wanted.dead_letter)
        await self._all.database.read(lambda tx: _check_new(tx, key))
        layers = await self._all.layers_of(context, request.get("Layers") or [])
        wanted = msgspec.structs.replace(wanted, layers=layers)
        packages = [layer.code for layer in layers]
        if wanted.package_type == IMAGE:
            version = await self._create_of_image(key, wanted, request)
            return wire.configuration(version, str(version.number) if version.number else "")
        package = await self._all.package(context, request["Code"])
        async with self._all.code.held(packages), self._all.code.kept(package) as size:
            latest = self._first(key, wanted, size)
            version = await self._all.changes.make(key, lambda tx: self._add(tx, latest, request))
        self._all.completion.begin(key)
        return wire.configuration(version, str(version.number) if version.number else "")

    async def _create_of_image(self, key: FunctionKey, wanted: Configuration, request: Request) -> Version:
        """What the name leads to now is settled here; the pull is background work."""
        use = await self._all.code.image(request["Code"]["ImageUri"], wanted.architecture)
        images.container_of(use, wanted)  # raises InvalidParameter
        latest = images.with_image(self._first(key, wanted, images.image_size(use)), use)
        version = await self._all.changes.make(key, lambda tx: self._add(tx, latest, request))
        self._all.completion.begin(key)
        return version

    @operation("GetFunction")
    async def get_function(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = named(context, request)

        def work(tx: Transaction) -> tuple[Version, int | None, dict[str, str]]:
            version = find_version(tx, key, qualifier)
            return version, store.function(tx, key).reserved_concurrency, store.tags_of(tx, key)

        version, reserved, tags = await self._all.database.read(work)
        await self._all.changes.seen(key)
        answer: Answer = {
            "Configuration": images.with_progress(
                wire.configuration(version, qualifier), self._all.code.progress(version)
            ),
            "Code": self._code(context, version),
        }
        if tags:
            answer["Tags"] = tags
        if reserved is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
        return answer

    @operation("GetFunctionConfiguration")
    async def get_function_configuration(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = named(context, request)
        version = await self._all.database.read(lambda tx: find_version(tx, key, qualifier))
        await self._all.changes.seen(key)
        return images.with_progress(wire.configuration(version, qualifier), self._all.code.progress(version))

    @operation("ListFunctions")
    async def list_functions(self, context: RequestContext, request: Request) -> Answer:
        if request.get("MasterRegion", "ALL") != "ALL":
            raise InvalidParameter("MasterRegion is refused: Lambent has no Lambda@Edge.")
        place, count = place_of(request), page_size(request)
        every_version = request.get("FunctionVersion") == "ALL"
        after = FunctionKey(context.account, context.region, place.name)

        def work(tx: Transaction) -> list[Version]:
            if every_version:
                return store.all_after(tx, after, place.number, count + 1)
            return store.latest_after(tx, after, count + 1)

        found = await self._all.database.read(work)
        page = found[:count]
        answer: Answer = {"Functions": [wire.listed(each, each.name if every_version else "") for each in page]}
        if len(found) > count:
            answer["NextMarker"] = marker_of(Place(page[-1].key.name, page[-1].number))
        return answer

    @operation("DeleteFunction")
    async def delete_function(self, context: RequestContext, request: Request) -> Answer:
        """The whole function, or one published version of it."""
        key, qualifier = named(context, request)
        if qualifier == LATEST:
            raise InvalidParameter("$LATEST version cannot be deleted without deleting the function.")
        if qualifier and not NUMBER.fullmatch(qualifier):
            raise InvalidParameter("Deletion of aliases is not currently supported.")

        def work(tx: Transaction) -> list[Version]:
            if qualifier:
                return [_delete_version(tx, key, int(qualifier))]
            gone = store.versions_after(tx, key, 0, MOST_VERSIONS)
            if not store.delete_function(tx, key):
                raise function_not_found(key)
            return gone

        gone = await self._all.changes.make(key, work)
        await self._all.rules.links.snapshots.forget([each.environment_key() for each in gone if each.snapshotted])
        return {"StatusCode": 204}

    def _code(self, context: RequestContext, version: Version) -> Answer:
        if version.image is not None:
            return images.code_of(version)
        return {"RepositoryType": "S3", "Location": self._downloads.link(context.endpoint, version.key, version.code)}

    def _first(self, key: FunctionKey, wanted: Configuration, size: CodeSize) -> Version:
        return Version(
            key=key,
            number=0,
            function_id=self._all.ids.uuid(),
            configuration=wanted,
            code=size.digest,
            code_bytes=size.zipped_bytes,
            revision_id=self._all.ids.uuid(),
            modified_ms=self._all.clock.now_ms(),
            state=State.PENDING,
        )

    def _add(self, tx: Transaction, latest: Version, request: Request) -> Version:
        _check_new(tx, latest.key)
        self._all.check_storage(tx, latest.key.account, latest.key.region, latest.code_bytes)
        self._all.check_size(tx, latest)
        store.add_function(tx, latest.key)
        if latest.image is not None:
            store.remember_code(tx, images.image_size(latest.image))
        store.put_version(tx, latest)
        tags: Mapping[str, str] = request.get("Tags") or {}
        store.put_tags(tx, latest.key, tags)
        return publish(tx, latest, self._all.ids.uuid()) if request.get("Publish") else latest


def _check_new(tx: Transaction, key: FunctionKey) -> None:
    if store.find_function(tx, key) is not None:
        raise Conflict(f"Function already exist: {key.name}")


def _delete_version(tx: Transaction, key: FunctionKey, number: int) -> Version:
    gone = find_version(tx, key, str(number))  # raises NotFound
    if aliases := alias_store.leading_to(tx, key, number):
        names = ", ".join(alias.name for alias in aliases)
        raise Conflict(f"Unable to delete version because the following aliases reference it: [{names}]")
    store.delete_version(tx, key, number)
    attachments.forget(tx, key, str(number))
    return gone
