"""What an edge's rooms know of the other parts: the Protocols of `invocation.api` over the transport."""

from typing import Any

from lambent.errors import Unavailable
from lambent.model.apis import CompiledApi, DomainMapping
from lambent.model.function import FunctionSnapshot
from lambent.model.function_url import UrlAccess
from lambent.model.http import HttpResponse
from lambent.model.invocation import Invocation
from lambent.model.messages import (
    AccessLines,
    ApiRateQuery,
    Download,
    Enqueue,
    Forwarded,
    Hosted,
    IdleChange,
    Initialised,
    InvokeQuery,
    KeyQuery,
    LeaseGrant,
    LeaseRequest,
    Measured,
    Moment,
    Move,
    RateGrant,
    RateQuery,
    Ready,
    SnapshotRequest,
    Stop,
    UrlQuery,
)
from lambent.model.meter import Collected
from lambent.model.objects import Door, ObjectAnswer, ObjectCall
from lambent.model.principal import AccessKey
from lambent.model.rest_api import KeyUse, KeyVerdict, ServiceCall
from lambent.transport.connections import Lasting


class ControlLink:
    """Control, seen from an edge. Every coroutine raises Unavailable while it is away."""

    def __init__(self, link: Lasting) -> None:
        self._link = link

    async def snapshot(self, request: SnapshotRequest) -> FunctionSnapshot:
        return await self._link.peer.call("snapshot", request, FunctionSnapshot)

    async def lease(self, request: LeaseRequest) -> LeaseGrant | Hosted:
        answer: LeaseGrant | Hosted = await self._link.peer.call("lease", request, LeaseGrant | Hosted)  # type: ignore[arg-type]
        return answer

    async def requests(self, query: RateQuery) -> RateGrant:
        return await self._link.peer.call("requests", query, RateGrant)

    def idle(self, change: IdleChange) -> None:
        self._tell("idle", change)

    def retiring(self, environment_id: str) -> None:
        self._tell("retiring", environment_id)

    def leaving(self) -> None:
        self._tell("leaving", None)

    def initialised(self, what: Initialised) -> None:
        self._tell("initialised", what)

    async def access_key(self, query: KeyQuery) -> AccessKey | None:
        found: AccessKey | None = await self._link.peer.call("access_key", query, AccessKey | None)  # type: ignore[arg-type]
        return found

    async def function_url(self, query: UrlQuery) -> UrlAccess | None:
        found: UrlAccess | None = await self._link.peer.call("function_url", query, UrlAccess | None)  # type: ignore[arg-type]
        return found

    async def api(self, api_id: str) -> CompiledApi | None:
        found: CompiledApi | None = await self._link.peer.call("api", api_id, CompiledApi | None)  # type: ignore[arg-type]
        return found

    async def call_service(self, call: ServiceCall) -> HttpResponse:
        return await self._link.peer.call("call_service", call, HttpResponse)

    async def spend(self, use: KeyUse) -> KeyVerdict:
        return await self._link.peer.call("spend", use, KeyVerdict)

    async def may_invoke(self, query: InvokeQuery) -> bool:
        return await self._link.peer.call("may_invoke", query, bool)

    async def domains(self) -> dict[str, list[DomainMapping]]:
        found: dict[str, list[DomainMapping]] = await self._link.peer.call(
            "domains",
            None,
            dict[str, list[DomainMapping]],
        )
        return found

    async def access_logs(self, lines: AccessLines) -> None:
        await self._link.peer.call("access_logs", lines, type(None))

    async def measured(self, collected: list[Collected]) -> None:
        await self._link.peer.call("measured", Measured(collected), type(None))

    async def api_requests(self, query: ApiRateQuery) -> RateGrant:
        return await self._link.peer.call("api_requests", query, RateGrant)

    async def http(self, forwarded: Forwarded) -> HttpResponse:
        return await self._link.peer.call("http", forwarded, HttpResponse)

    async def object(self, call: ObjectCall) -> ObjectAnswer:
        return await self._link.peer.call("object", call, ObjectAnswer)

    async def bucket(self, name: str) -> Door | None:
        found: Door | None = await self._link.peer.call("bucket", name, Door | None)  # type: ignore[arg-type]
        return found

    async def enqueue(self, invocation: Invocation) -> None:
        await self._link.peer.call("enqueue", Enqueue(invocation), type(None))

    async def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = await self._link.peer.call("status", None, dict)
        return answer

    async def metrics(self) -> str:
        return await self._link.peer.call("metrics", None, str)

    async def advance(self, seconds: float) -> Moment:
        return await self._link.peer.call("advance", seconds, Moment)

    async def download(self, path: str, query: str) -> bytes:
        return await self._link.peer.call("download", Download(path, query), bytes)

    def _tell(self, method: str, body: Any) -> None:
        if self._link.connected:
            self._link.peer.notify(method, body)


class AgentLink:
    """The agent, seen from an edge."""

    def __init__(self, link: Lasting) -> None:
        self._link = link

    async def stop(self, stop: Stop) -> None:
        await self._link.peer.call("stop", stop, type(None))

    async def move(self, move: Move) -> str:
        return await self._link.peer.call("move", move, str)

    def ready(self, environment_id: str, patience_s: float = 0.0, *, failed: bool = False) -> None:
        try:
            self._link.peer.notify("ready", Ready(environment_id, patience_s, failed))
        except Unavailable:
            return  # the environment has died with its agent
