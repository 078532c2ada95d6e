"""What is done with asynchronous events: the PutFunctionEventInvokeConfig family.

Each is of the function (`$LATEST`), of a version or of an alias, and holds for events that are sent
to exactly that. Source: Lambda service model; behaviours section 16.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST, function_arn
from lambent.services.lambda_ import event_store
from lambent.services.lambda_.destinations import ON_FAILURE, ON_SUCCESS, check_destination, check_function, check_there
from lambent.services.lambda_.errors import InvalidParameter, NotFound
from lambent.services.lambda_.event_store import EventInvokeConfig
from lambent.services.lambda_.names import find_version, function_named, named
from lambent.services.lambda_.pages import Place, marker_of, page_size, place_of
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


class EventInvokeConfigs:
    """The resource `event invoke config`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("PutFunctionEventInvokeConfig")
    async def put_function_event_invoke_config(self, context: RequestContext, request: Request) -> Answer:
        """Replaces the whole."""
        key, qualifier = _place(context, request)
        return await self._put(key, request, lambda _: EventInvokeConfig(key, qualifier, 0))

    @operation("UpdateFunctionEventInvokeConfig")
    async def update_function_event_invoke_config(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays."""
        key, qualifier = _place(context, request)

        def present(tx: Transaction) -> EventInvokeConfig:
            _find(tx, key, qualifier)
            return _found(tx, key, qualifier)

        return await self._put(key, request, present)

    @operation("GetFunctionEventInvokeConfig")
    async def get_function_event_invoke_config(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = _place(context, request)
        config = await self._all.database.read(partial(_found, key=key, qualifier=qualifier))
        await self._all.changes.seen(key)
        return _wire(config)

    @operation("ListFunctionEventInvokeConfigs")
    async def list_function_event_invoke_configs(self, context: RequestContext, request: Request) -> Answer:
        key, place, count = function_named(context, request), place_of(request), page_size(request)

        def work(tx: Transaction) -> list[EventInvokeConfig]:
            _find(tx, key, LATEST)
            return event_store.after(tx, key, place.name, count + 1)

        found = await self._all.database.read(work)
        page = found[:count]
        answer: Answer = {"FunctionEventInvokeConfigs": [_wire(each) for each in page]}
        if len(found) > count:
            answer["NextMarker"] = marker_of(Place(page[-1].qualifier))
        return answer

    @operation("DeleteFunctionEventInvokeConfig")
    async def delete_function_event_invoke_config(self, context: RequestContext, request: Request) -> None:
        key, qualifier = _place(context, request)

        def work(tx: Transaction) -> None:
            _found(tx, key, qualifier)
            event_store.delete(tx, key, qualifier)

        await self._all.changes.make(key, work)

    async def _put(
        self, key: FunctionKey, request: Request, present: Callable[[Transaction], EventInvokeConfig]
    ) -> Answer:
        if not any(name in request for name in MEMBERS):
            raise InvalidParameter("You must specify at least one of error handling or destination setting.")
        changes = {**_changes(request), "modified_ms": self._all.clock.now_ms()}

        def wanted(tx: Transaction) -> EventInvokeConfig:
            config = msgspec.structs.replace(present(tx), **changes)
            _find(tx, key, config.qualifier)
            self._check(tx, config)
            return config

        def work(tx: Transaction) -> EventInvokeConfig:
            config = wanted(tx)
            event_store.put(tx, config)
            return config

        await self._all.database.read(wanted)
        for arn in filter(None, (changes.get("on_success"), changes.get("on_failure"))):
            await check_there(arn, self._all.rules.links.destinations)
        return _wire(await self._all.changes.make(key, work))

    def _check(self, tx: Transaction, config: EventInvokeConfig) -> None:
        served = self._all.rules.links.destinations.served()
        for arn, services in ((config.on_success, ON_SUCCESS), (config.on_failure, ON_FAILURE)):
            if arn:
                check_destination(arn, config.key, services, served)
                check_function(tx, arn, config.key, config.qualifier)


def _place(context: RequestContext, request: Request) -> tuple[FunctionKey, str]:
    key, qualifier = named(context, request)
    return key, qualifier or LATEST


def _find(tx: Transaction, key: FunctionKey, qualifier: str) -> None:
    """Raises NotFound, in the words of these operations (recorded), where there is no such version."""
    try:
        find_version(tx, key, qualifier)
    except NotFound:
        raise NotFound("The function doesn't exist.") from None


def _found(tx: Transaction, key: FunctionKey, qualifier: str) -> EventInvokeConfig:
    """Raises NotFound, the same whether the version is there or not (recorded)."""
    config = event_store.find(tx, key, qualifier)
    if config is None:
        raise NotFound(f"The function {function_arn(key, qualifier)} doesn't have an EventInvokeConfig")
    return config


def _changes(request: Request) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "MaximumRetryAttempts" in request:
        changes["max_retries"] = request["MaximumRetryAttempts"]
    if "MaximumEventAgeInSeconds" in request:
        changes["max_age_s"] = request["MaximumEventAgeInSeconds"]
    for theirs, ours in (("OnSuccess", "on_success"), ("OnFailure", "on_failure")):
        if theirs in request.get("DestinationConfig", {}):
            changes[ours] = request["DestinationConfig"][theirs].get("Destination", "")
    return changes


def _wire(config: EventInvokeConfig) -> Answer:
    answer: Answer = {
        "LastModified": datetime.fromtimestamp(config.modified_ms / 1000, UTC),
        "FunctionArn": function_arn(config.key, config.qualifier),
        "DestinationConfig": {
            name: {"Destination": arn} if arn else {}
            for name, arn in (("OnSuccess", config.on_success), ("OnFailure", config.on_failure))
        },
    }
    if config.max_retries is not None:
        answer["MaximumRetryAttempts"] = config.max_retries
    if config.max_age_s is not None:
        answer["MaximumEventAgeInSeconds"] = config.max_age_s
    return answer
