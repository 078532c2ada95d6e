"""Event source mappings: CreateEventSourceMapping, Get, Update, Delete, ListEventSourceMappings.

Each answers while the mapping is on its way to its next state; mapping_work.py brings it there. A mapping is of one
source and one function, version or alias, and outlives it.

Source: Lambda service model; behaviours section 21.
"""

from datetime import UTC, datetime

import msgspec

from lambent.model.function_name import function_arn, parse_function_name
from lambent.services.lambda_ import mapping_store
from lambent.services.lambda_.errors import InvalidParameter, NotFound
from lambent.services.lambda_.mapping_rules import (
    EVENT_COUNT,
    REPORTS,
    changes_of,
    check_parameters,
    checked_source,
    edited,
    is_stream,
)
from lambent.services.lambda_.mapping_states import State, Step, state_after
from lambent.services.lambda_.mapping_store import EventSourceMapping, Wanted
from lambent.services.lambda_.mapping_work import MappingWork
from lambent.services.lambda_.names import find_mapping, find_version
from lambent.services.lambda_.pages import Place, marker_of, place_of
from lambent.services.lambda_.queue_mappings import check_queue, check_queue_parameters, queue_taken
from lambent.services.lambda_.resources import Resources
from lambent.services.lambda_.stream_mappings import (
    BATCH_SIZE,
    check_on_failure,
    shown_settings,
    starting_settings,
    stream_settings,
    stream_taken,
)
from lambent.services.lambda_.tags import check_plain_tags
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

BY_USER, BY_USER_OF_STREAM = "USER_INITIATED", "User action"
LARGEST_PAGE = 100
NOTHING_YET = "No records processed"


class EventSourceMappings:
    """The resource `event source mapping`."""

    def __init__(self, resources: Resources, work: MappingWork) -> None:
        self._all, self._work = resources, work

    @operation("CreateEventSourceMapping")
    async def create_event_source_mapping(self, context: RequestContext, request: Request) -> Answer:
        source_arn = checked_source(request, context.account, context.region)
        check_parameters(request, _kind(source_arn))
        key, qualifier = parse_function_name(request["FunctionName"], context.account, context.region)
        tags = dict(request.get("Tags") or {})
        check_plain_tags(tags, self._all.rules)
        mapping = EventSourceMapping(
            uuid=self._all.ids.uuid(),
            source_arn=source_arn,
            function=key,
            qualifier=qualifier,
            state=State.CREATING,
            revision=self._all.ids.uuid(),
            modified_ms=self._all.clock.now_ms(),
            tags=tags,
        )
        if is_stream(source_arn):
            mapping = edited(mapping, {"batch_size": BATCH_SIZE, "stream": starting_settings(request, source_arn)})
            if not await self._all.rules.links.streams.exists(source_arn):
                raise InvalidParameter(f"Stream not found: {source_arn}")
        mapping = _wanted(msgspec.structs.replace(mapping, reason=_reason(mapping)), request)
        await check_on_failure(mapping, self._all.rules.links.destinations)
        await self._all.database.write(lambda tx: self._put(tx, mapping))
        return self._begun(mapping)

    @operation("GetEventSourceMapping")
    async def get_event_source_mapping(self, context: RequestContext, request: Request) -> Answer:
        return self._wire(await self._all.database.read(lambda tx: find_mapping(tx, context, request["UUID"])))

    @operation("UpdateEventSourceMapping")
    async def update_event_source_mapping(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays."""
        changes = {}
        if name := request.get("FunctionName"):
            key, qualifier = parse_function_name(name, context.account, context.region)
            changes = {"function": key, "qualifier": qualifier}

        def wanted_of(present: EventSourceMapping) -> EventSourceMapping:
            check_parameters(request, _kind(present.source_arn))
            return edited(_wanted(present, request), changes)

        if changes or request.get("DestinationConfig") is not None:
            present = await self._all.database.read(lambda tx: find_mapping(tx, context, request["UUID"]))
            await check_on_failure(wanted_of(present), self._all.rules.links.destinations)

        def work(tx: Transaction) -> EventSourceMapping:
            present = find_mapping(tx, context, request["UUID"])
            wanted = wanted_of(present)
            mapping = self._stepped(wanted, _step(present, wanted))
            self._put(tx, mapping)
            return mapping

        return self._begun(await self._all.database.write(work))

    @operation("DeleteEventSourceMapping")
    async def delete_event_source_mapping(self, context: RequestContext, request: Request) -> Answer:
        def work(tx: Transaction) -> EventSourceMapping:
            mapping = self._stepped(find_mapping(tx, context, request["UUID"]), Step.DELETE)
            mapping_store.put(tx, mapping)
            return mapping

        return self._begun(await self._all.database.write(work))

    @operation("ListEventSourceMappings")
    async def list_event_source_mappings(self, context: RequestContext, request: Request) -> Answer:
        """By UUID; those of a source, of a function (as it was named, with or without qualifier), or of both."""
        count = min(int(request.get("MaxItems") or LARGEST_PAGE), LARGEST_PAGE)
        place, of_function = place_of(request), ""
        if name := request.get("FunctionName"):
            key, qualifier = parse_function_name(name, context.account, context.region)
            of_function = function_arn(key, qualifier)
        wanted = Wanted(request.get("EventSourceArn") or "", of_function)
        listed = await self._all.database.read(
            lambda tx: mapping_store.after(tx, context.account, context.region, place.name, wanted, count + 1)
        )
        page = listed[:count]
        answer: Answer = {"EventSourceMappings": [self._wire(each) for each in page]}
        if len(listed) > count:
            answer["NextMarker"] = marker_of(Place(page[-1].uuid))
        return answer

    def _put(self, tx: Transaction, mapping: EventSourceMapping) -> None:
        try:
            version = find_version(tx, mapping.function, mapping.qualifier)
        except NotFound:
            raise InvalidParameter("Function does not exist") from None
        if mapping.stream is None:
            check_queue(self._all.rules.links.queues, mapping, version)
        other = mapping_store.same(tx, mapping)
        if other is not None:
            raise queue_taken(mapping, other) if mapping.stream is None else stream_taken(mapping, other)
        mapping_store.put(tx, mapping)

    def _stepped(self, mapping: EventSourceMapping, step: Step) -> EventSourceMapping:
        return msgspec.structs.replace(
            mapping,
            state=state_after(mapping.state, step),
            revision=self._all.ids.uuid(),
            modified_ms=self._all.clock.now_ms(),
            reason=_reason(mapping),
            problem="",
        )

    def _begun(self, mapping: EventSourceMapping) -> Answer:
        self._work.begin(mapping)
        return self._wire(mapping)

    def _wire(self, mapping: EventSourceMapping) -> Answer:
        """The EventSourceMappingConfiguration object."""
        answer: Answer = {
            "UUID": mapping.uuid,
            "BatchSize": mapping.batch_size,
            "MaximumBatchingWindowInSeconds": mapping.window_s,
            "EventSourceArn": mapping.source_arn,
            "EventSourceMappingArn": mapping.arn,
            "FunctionArn": mapping.function_arn,
            "LastModified": datetime.fromtimestamp(mapping.modified_ms / 1000, UTC),
            "State": mapping.state.value,
            "StateTransitionReason": mapping.reason,
            "FunctionResponseTypes": [REPORTS] if mapping.reports_failures else [],
        }
        if mapping.filters:
            answer["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in mapping.filters]}
        if mapping.most_concurrent is not None:
            answer["ScalingConfig"] = {"MaximumConcurrency": mapping.most_concurrent}
        if mapping.stream is not None:
            answer |= shown_settings(mapping.stream)
        if mapping.counts_events:
            answer["MetricsConfig"] = {"Metrics": [EVENT_COUNT]}
        result = mapping.problem or self._all.rules.links.pollers.result(mapping.uuid)
        if mapping.stream is not None:
            result = result or NOTHING_YET
        if result:
            answer["LastProcessingResult"] = result
        return answer


def _kind(source_arn: str) -> str:
    return "DynamoDB streams" if is_stream(source_arn) else "SQS queues"


def _reason(mapping: EventSourceMapping) -> str:
    return BY_USER if mapping.stream is None else BY_USER_OF_STREAM


def _wanted(mapping: EventSourceMapping, request: Request) -> EventSourceMapping:
    """The mapping with what a request sets. Raises InvalidParameter."""
    mapping = edited(mapping, changes_of(request))
    if mapping.stream is None:
        check_queue_parameters(request, mapping.source_arn)
        return mapping
    return edited(mapping, {"stream": stream_settings(request, mapping.stream)})


def _step(present: EventSourceMapping, wanted: EventSourceMapping) -> Step:
    if present.enabled == wanted.enabled:
        return Step.EDIT
    return Step.ENABLE if wanted.enabled else Step.DISABLE
