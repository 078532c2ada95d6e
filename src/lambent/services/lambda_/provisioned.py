"""Provisioned concurrency: PutProvisionedConcurrencyConfig and its family.

What is asked for stands in the tables; placement keeps the environments and knows how many are ready,
so a status here is what is true now and not what was written down once.

Source: Lambda service model; behaviours sections 6 and 10 (texts recorded from the real service). That
both versions of a weighted alias get their part follows the model's words on "allocated"; how it is
rounded is our own.
"""

from collections.abc import Collection

from lambent.clock import iso_millis
from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST, function_arn
from lambent.placement.api import Standing, Target, Wanted
from lambent.services.lambda_ import alias_store, provisioned_store, snap_start, store
from lambent.services.lambda_.errors import Conflict, InvalidParameter, ProvisionedNotFound
from lambent.services.lambda_.model import State, Version, version_name
from lambent.services.lambda_.names import NUMBER, find_alias, find_version, function_named, named, second_version
from lambent.services.lambda_.pages import Place, marker_of, page_size, place_of
from lambent.services.lambda_.provisioned_store import Provisioned
from lambent.services.lambda_.reach import REACHES, keyed, reach_of
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
ALREADY_ON_VERSION = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
ALREADY_ON_ALIAS = "Version is pointed by a Provisioned Concurrency alias"


class ProvisionedConcurrency:
    """The provisioned concurrency of versions and aliases."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("PutProvisionedConcurrencyConfig")
    async def put_provisioned_concurrency_config(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = named(context, request)
        if qualifier in ("", LATEST):
            raise InvalidParameter(UNPUBLISHED)
        wanted = Provisioned(qualifier, int(request["ProvisionedConcurrentExecutions"]), self._all.clock.now_ms())

        def work(tx: Transaction) -> list[Version]:
            versions = _versions(tx, key, qualifier)
            check_place(tx, key, qualifier, [version.number for version in versions])
            self._check_room(tx, key, wanted)
            provisioned_store.put(tx, key, wanted)
            return versions

        versions = await self._all.changes.make(key, work)
        return self._shown(key, wanted, versions)

    @operation("GetProvisionedConcurrencyConfig")
    async def get_provisioned_concurrency_config(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = _published(context, request)

        def work(tx: Transaction) -> tuple[Provisioned, list[Version]]:
            versions = _versions(tx, key, qualifier)
            found = provisioned_store.find(tx, key, qualifier)
            if found is None:
                raise ProvisionedNotFound
            return found, versions

        found, versions = await self._all.database.read(work)
        await self._all.changes.seen(key)
        return self._shown(key, found, versions)

    @operation("DeleteProvisionedConcurrencyConfig")
    async def delete_provisioned_concurrency_config(self, context: RequestContext, request: Request) -> None:
        """Deleting what is not there succeeds."""
        key, qualifier = _published(context, request)

        def work(tx: Transaction) -> None:
            _versions(tx, key, qualifier)  # raises NotFound
            provisioned_store.delete(tx, key, qualifier)

        await self._all.changes.make(key, work)

    @operation("ListProvisionedConcurrencyConfigs")
    async def list_provisioned_concurrency_configs(self, context: RequestContext, request: Request) -> Answer:
        """By qualifier."""
        key, place, count = function_named(context, request), place_of(request), page_size(request)

        def work(tx: Transaction) -> list[tuple[Provisioned, list[Version]]]:
            store.function(tx, key)  # raises NotFound
            found = [each for each in provisioned_store.every(tx, key) if each.qualifier > place.name]
            return [(each, _versions(tx, key, each.qualifier)) for each in found]

        found = await self._all.database.read(work)
        await self._all.changes.seen(key)
        answer: Answer = {
            "ProvisionedConcurrencyConfigs": [
                {"FunctionArn": function_arn(key, each.qualifier), **self._shown(key, each, versions)}
                for each, versions in found[:count]
            ]
        }
        if len(found) > count:
            answer["NextMarker"] = marker_of(Place(found[count - 1][0].qualifier))
        return answer

    def _shown(self, key: FunctionKey, wanted: Provisioned, versions: list[Version]) -> Answer:
        keys = [keyed(version.environment_key(), reach) for version in versions for reach in (None, *REACHES)]
        standing = self._all.rules.links.provisioning.standing(key, wanted.qualifier, keys)
        available = min(standing.available, wanted.requested)
        answer: Answer = {
            "RequestedProvisionedConcurrentExecutions": wanted.requested,
            "AvailableProvisionedConcurrentExecutions": available,
            "AllocatedProvisionedConcurrentExecutions": available,
            "Status": _status(standing, wanted.requested),
            "LastModified": f"{iso_millis(wanted.modified_ms)[:19]}+0000",
        }
        if answer["Status"] == "FAILED":
            answer["StatusReason"] = standing.failure
        return answer

    def _check_room(self, tx: Transaction, key: FunctionKey, wanted: Provisioned) -> None:
        quotas, reserved = self._all.rules.quotas, store.function(tx, key).reserved_concurrency
        of_function = {each.qualifier: each.requested for each in provisioned_store.every(tx, key)}
        present = of_function.pop(wanted.qualifier, 0)
        if reserved is not None:
            if sum(of_function.values()) + wanted.requested > reserved:
                raise InvalidParameter(
                    "Requested Provisioned Concurrency should not be greater than the "
                    "reservedConcurrentExecution for function"
                )
            return
        if wanted.requested <= present:
            return
        left = unreserved(tx, key.account, key.region, quotas.account_concurrency) + present
        if wanted.requested > left:
            raise InvalidParameter(
                "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
                f"[{left}]."
            )
        if left - wanted.requested < quotas.unreserved_minimum:
            raise InvalidParameter(
                "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                f"below its minimum value of [{quotas.unreserved_minimum}]."
            )


def unreserved(tx: Transaction, account: str, region: str, limit: int) -> int:
    """The account's concurrency that nothing is set aside from: UnreservedConcurrentExecutions."""
    reserved = store.reserved_in_all(tx, account, region)
    return limit - reserved - provisioned_store.unreserved_in_all(tx, account, region)


def check_place(tx: Transaction, key: FunctionKey, qualifier: str, numbers: Collection[int]) -> None:
    """Whether provisioned concurrency may be on `qualifier`, which leads to the versions `numbers`.

    Raises:
        InvalidParameter: it leads to `$LATEST`, or to a version with SnapStart.
        Conflict: it is on an alias and on the version that the alias leads to at once.
    """
    if 0 in numbers:
        raise InvalidParameter(UNPUBLISHED)
    if any(find_version(tx, key, str(number)).snapshotted for number in numbers):
        raise InvalidParameter(snap_start.NOT_PROVISIONED)
    present = {each.qualifier for each in provisioned_store.every(tx, key)}
    if not NUMBER.fullmatch(qualifier):
        if any(version_name(number) in present for number in numbers):
            raise Conflict(ALREADY_ON_VERSION)
    elif any(each.name in present for each in alias_store.leading_to(tx, key, int(qualifier))):
        raise Conflict(ALREADY_ON_ALIAS)


def wanted_of(tx: Transaction, key: FunctionKey) -> list[tuple[Wanted, list[Version]]]:
    """What placement has to provide for a function, and the versions that it is made from."""
    found, reach = [], reach_of(store.tags_of(tx, key))
    for each in provisioned_store.every(tx, key):
        version = find_version(tx, key, each.qualifier)
        other, weight = second_version(tx, key, each.qualifier)
        shares = [(version, each.requested)] if other is None else _shares(each.requested, version, other, weight)
        targets = tuple(
            Target(one.name, keyed(one.environment_key(), reach), count)
            for one, count in shares
            if count and one.state is State.ACTIVE
        )
        found.append((Wanted(each.qualifier, targets), [one for one, _ in shares]))
    return found


def _shares(requested: int, version: Version, other: Version, weight: float) -> list[tuple[Version, int]]:
    """Each version's part, by weight; one at least for whatever gets traffic, where there are two to give."""
    part = round(requested * weight)
    if requested > 1 and 0 < weight < 1:
        part = min(max(1, part), requested - 1)
    return [(version, requested - part), (other, part)]


def _versions(tx: Transaction, key: FunctionKey, qualifier: str) -> list[Version]:
    """The versions that `qualifier` leads to. Raises NotFound."""
    if not NUMBER.fullmatch(qualifier):
        find_alias(tx, key, qualifier)  # raises NotFound, in other words than find_version
    other, _ = second_version(tx, key, qualifier)
    return [find_version(tx, key, qualifier), *([] if other is None else [other])]


def _published(context: RequestContext, request: Request) -> tuple[FunctionKey, str]:
    key, qualifier = named(context, request)
    if qualifier in ("", LATEST):
        raise InvalidParameter("The function resource provided must be an alias or a published version.")
    return key, qualifier


def _status(standing: Standing, requested: int) -> str:
    if standing.available >= requested:
        return "READY"
    return "FAILED" if standing.failure else "IN_PROGRESS"
