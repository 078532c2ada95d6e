"""Published versions: PublishVersion, ListVersionsByFunction.

A version is a copy of `$LATEST` that never changes. Source: Lambda service model; behaviours
sections 5 to 7 and 24 (nothing new is made when nothing changed).
"""

import msgspec

from lambent.services.lambda_ import store, wire
from lambent.services.lambda_.errors import Conflict, InvalidParameter
from lambent.services.lambda_.model import State, Update, Version
from lambent.services.lambda_.names import function_named
from lambent.services.lambda_.pages import Place, marker_of, page_size, place_of
from lambent.services.lambda_.resources import Resources
from lambent.services.lambda_.states import STATE_FORBIDS, check_editable
from lambent.services.lambda_.unsupported import check_settings
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Versions:
    """The resource `version`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("PublishVersion")
    async def publish_version(self, context: RequestContext, request: Request) -> Answer:
        """Freeze `$LATEST` as the next version, or return the newest one if nothing has changed."""
        key = function_named(context, request)
        check_settings(request)

        def work(tx: Transaction) -> Version:
            latest = store.latest(tx, key)
            check_editable(latest, request.get("RevisionId"))
            if latest.state is not State.ACTIVE:
                raise Conflict(STATE_FORBIDS.format(state=latest.state.value))
            _check_digest(latest, request.get("CodeSha256"))
            published = publish(tx, latest, self._all.ids.uuid(), request.get("Description"))
            self._all.check_storage(tx, key.account, key.region, 0)
            return published

        version = await self._all.changes.make(key, work)
        if version.unsettled:
            self._all.completion.begin(key)
        return wire.configuration(version, version.name)

    @operation("ListVersionsByFunction")
    async def list_versions_by_function(self, context: RequestContext, request: Request) -> Answer:
        """`$LATEST` first, then by number."""
        key = function_named(context, request)
        place, count = place_of(request), page_size(request)

        def work(tx: Transaction) -> list[Version]:
            store.function(tx, key)  # raises NotFound
            return store.versions_after(tx, key, place.number, count + 1)

        found = await self._all.database.read(work)
        page = found[:count]
        answer: Answer = {"Versions": [wire.listed(version, version.name) for version in page]}
        if len(found) > count:
            answer["NextMarker"] = marker_of(Place(key.name, page[-1].number))
        return answer


def publish(tx: Transaction, latest: Version, revision_id: str, description: str | None = None) -> Version:
    """The newest version if `latest` still has its content; otherwise a new one, stored."""
    newest = store.newest_published(tx, latest.key)
    if newest is not None and newest.content_when_published == latest.content():
        return newest
    wanted = latest.configuration
    waits = wanted.snap_start or latest.state is not State.ACTIVE  # SnapStart: Pending until it is initialised
    version = msgspec.structs.replace(
        latest,
        number=store.take_number(tx, latest.key),
        configuration=msgspec.structs.replace(
            wanted, description=wanted.description if description is None else description
        ),
        state=State.PENDING if waits else State.ACTIVE,
        update=Update.NONE if waits else Update.SUCCESSFUL,
        revision_id=revision_id,
        content_when_published=latest.content(),
    )
    store.put_version(tx, version)
    return version


def _check_digest(latest: Version, wanted: str | None) -> None:
    present = wire.code_sha256_of(latest)
    if wanted and wanted != present:
        raise InvalidParameter(
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({present}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
