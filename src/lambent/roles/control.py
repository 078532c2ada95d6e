"""Control: owns the truth. The services and their stores, placement, the queue, the logs."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from typing import Any

import structlog

from lambent.config import Settings
from lambent.delivery.deliveries import Deliveries
from lambent.errors import Unavailable
from lambent.gateway.dispatch import Dispatcher
from lambent.ids import SystemIds
from lambent.invocation.asynchronous.queue import EventQueue
from lambent.invocation.asynchronous.queue import Links as QueueLinks
from lambent.loops import Loop, Loops
from lambent.model.environment import EnvironmentExit
from lambent.model.function import FunctionSnapshot
from lambent.model.function_url import UrlAccess
from lambent.model.http import HttpResponse
from lambent.model.messages import (
    Download,
    Enqueue,
    EnvironmentStatus,
    Forwarded,
    Hello,
    Hosted,
    IdleChange,
    Initialised,
    KeyQuery,
    LeaseGrant,
    LeaseRequest,
    Moment,
    RateGrant,
    RateQuery,
    SnapshotRequest,
    UrlQuery,
    Welcome,
)
from lambent.model.meter import Meter
from lambent.model.objects import Door, ObjectAnswer, ObjectCall
from lambent.model.principal import AccessKey
from lambent.roles.api_gateway import Neighbours as ApiNeighbours
from lambent.roles.api_gateway import build_api_gateway
from lambent.roles.control_clock import TestClock
from lambent.roles.control_ground import Ground
from lambent.roles.control_links import Agents, Doors, Edges
from lambent.roles.control_report import Report
from lambent.roles.control_stores import Stores
from lambent.roles.event_destinations import EventDestinations
from lambent.roles.functions import Around, Functions, build_functions
from lambent.roles.identities import open_identities
from lambent.roles.messaging import Reachable, build_messaging
from lambent.roles.object_storage import Archives
from lambent.roles.polling import Sources, build_polling
from lambent.roles.records import open_records
from lambent.roles.service_calls import ServiceCalls
from lambent.sandbox.launch import Host
from lambent.services.dynamodb.api import open_dynamodb
from lambent.services.operation import Operation
from lambent.services.sns.signing import Signer, make_identity
from lambent.services.sqs.api import open_sqs
from lambent.store.private_file import read_or_make
from lambent.transport.address import Address
from lambent.transport.connections import Lasting, serve
from lambent.transport.peer import Method, Methods, Peer

COLLECT_EVERY_S = 60.0
LAST_CALLS_S = 0.5
CONTROL = -1  # the number that control says hello to the agent with

log = structlog.get_logger()


class Control:
    """The rooms of control, connected. Made by `build`."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self._settings, self._host = settings, host
        self._test_clock = TestClock(settings)
        self._clock, self._ids = self._test_clock.clock, SystemIds()
        self._stores = Stores(settings)
        self._edges = Edges(settings.edges, self._clock)
        self._link = Lasting(
            Address(path=str(settings.run / "agent.sock")),
            {"exited": Method(EnvironmentExit, self._exited)},
            self._clock,
            name="agent",
            on_connect=self._greet_agent,
            on_lose=self._agent_lost,
        )
        self._agents = Agents(self._link)
        self._loops = Loops(self._clock)
        self._calls: set[asyncio.Task[None]] = set()  # of edges, which go on when their edge dies

    async def build(self) -> None:
        """Open the stores and make every room."""
        on, edges = Ground(self._settings, self._clock, self._ids, self._stores), self._edges
        identities = await open_identities(on, Doors(edges))
        self._keys = identities.keys
        self._records = records = await open_records(on)
        meter = records.cloudwatch.meter
        await self._open_sources(on, meter)
        deliveries = Deliveries(await on.stores.open("deliveries", "lambent.delivery"), on.clock, on.ids, meter=meter)
        sources = Sources(self._sqs, self._dynamodb, edges, meter, deliveries)
        polling = await build_polling(on.stores.open, on.clock, on.ids, sources, on.settings.quotas)
        self._pollers = polling.pollers
        archives, destinations = Archives(), EventDestinations()
        around = Around(self._host, self._agents, edges, identities, records, polling, archives, destinations)
        self._know(await build_functions(on, around))
        events = await on.stores.open("events", "lambent.invocation.asynchronous")
        queue_links = QueueLinks(edges, self._lambda.event_rules, deliveries, meter)
        self._queue = EventQueue(events, on.clock, on.settings, queue_links)
        reachable = Reachable(
            self._keys,
            identities.vault,
            self._lambda,
            self._queue,
            records.logs,
            self._sqs,
            on.settings,
            deliveries,
            archives,
            destinations,
        )
        self._messaging = await build_messaging(on.stores.open, on.clock, on.ids, reachable, await self._signer())
        neighbours = ApiNeighbours(self._lambda, records.logs, meter)
        self._api_gateway = await build_api_gateway(
            on.stores.open, (on.clock, on.ids, on.settings.quotas), edges, neighbours
        )
        self._dispatcher = self._dispatching({**identities.operations, **records.operations})
        self._report = Report(
            edges,
            self._agents,
            self._placement,
            self._queue,
            self._messaging,
            self._pollers,
            records.cloudwatch,
            on.settings.file_systems,
        )

    async def _open_sources(self, on: Ground, meter: Meter) -> None:
        """The services whose records functions are run for by mappings."""
        sqs = await on.stores.open("sqs", "lambent.services.sqs")
        self._sqs = await open_sqs(sqs, on.clock, on.ids, on.settings.quotas, meter)
        dynamodb = await on.stores.open("dynamodb", "lambent.services.dynamodb")
        self._dynamodb = await open_dynamodb(dynamodb, on.clock, on.ids, on.settings.quotas)

    def _know(self, functions: Functions) -> None:
        self._lambda, self._placement = functions.lambda_, functions.placement
        self._provisioner, self._rates, self._snapshots = functions.provisioner, functions.rates, functions.snapshots

    async def _signer(self) -> Signer:
        """Of what topics send."""
        file, clock = self._settings.data / "sns-signing.pem", self._clock
        return Signer(await asyncio.to_thread(read_or_make, file, lambda: make_identity(clock.now_s())))

    def _dispatching(self, operations: dict[str, Mapping[str, Operation]]) -> Dispatcher:
        """To these and those of the rooms that are there."""
        own = {
            "lambda": self._lambda.operations,
            "sqs": self._sqs.operations,
            "dynamodb": self._dynamodb.operations,
            "dynamodbstreams": self._dynamodb.stream_operations,
        }
        every = {**own, **operations, **self._messaging.operations, **self._api_gateway.operations}
        return Dispatcher(every, self._clock, {"lambda": self._settings.quotas.create_request_bytes})

    async def run(self, stopping: asyncio.Event) -> None:
        """Answer until `stopping`; then finish what was accepted."""
        endpoint = f"http://127.0.0.1:{self._settings.port}"
        self._api_gateway.service_calls = ServiceCalls(self._dispatcher, self._keys, endpoint)
        server = await serve(Address(path=str(self._settings.run / "control.sock")), self._methods())
        self._loops.begin("agent", self._link.run)
        await self._lambda.start()
        loops: dict[str, Loop] = {
            **self._records.loops(),
            "sqs": self._sqs.run,
            "dynamodb": self._dynamodb.run,
            "events of functions": self._queue.run,
            **self._messaging.loops(),
            "code": self._collect,
            "provisioned": self._provisioner.run,
        }
        for name, loop in loops.items():
            self._loops.begin(name, loop)
        log.info("control ready", action="control.ready", pid=os.getpid())
        await stopping.wait()
        server.close()
        await self._pollers.close()
        await self._loops.close()
        await self._messaging.close()
        await self._api_gateway.close()
        await self._sqs.close()
        await self._dynamodb.close()
        if self._calls:
            await asyncio.wait(set(self._calls), timeout=LAST_CALLS_S)
        self._dispatcher.close()
        await self._placement.close()
        await self._lambda.close()
        await self._records.close()
        await self._stores.close()

    async def _collect(self) -> None:
        """Delete code that nothing refers to and no environment has mounted."""
        while True:
            await self._clock.sleep(COLLECT_EVERY_S)
            with contextlib.suppress(Unavailable):
                living = await self._agents.inventory()
                await self._lambda.collect_code({each for one in living for each in one.packages})

    # --- the agent ------------------------------------------------------------------------

    async def _greet_agent(self, peer: Peer) -> None:
        hello = Hello(CONTROL, os.getpid(), self._ids.hex(16))
        self._agents.pid = (await peer.call("hello", hello, Welcome)).pid
        await self._placement.recover(await peer.call("inventory", None, list[EnvironmentStatus]))
        for edge in self._edges.numbers():
            await self._confirm(edge)
        self._provisioner.wake()
        await self._snapshots.expect_all()

    def _agent_lost(self) -> None:
        self._placement.agent_lost()

    async def _exited(self, _: Peer, notice: EnvironmentExit) -> None:
        self._placement.exited(notice)
        self._provisioner.wake()

    # --- the edges ------------------------------------------------------------------------

    def _methods(self) -> Methods:
        return {
            "hello": Method(Hello, self._hello),
            "http": Method(Forwarded, self._http, self._calls),
            "object": Method(ObjectCall, self._object, self._calls),
            "bucket": Method(str, self._bucket),
            "access_key": Method(KeyQuery, self._access_key),
            "snapshot": Method(SnapshotRequest, self._snapshot),
            "function_url": Method(UrlQuery, self._function_url),
            "lease": Method(LeaseRequest, self._lease),
            "enqueue": Method(Enqueue, self._enqueue, self._calls),
            "requests": Method(RateQuery, self._requests),
            "idle": Method(IdleChange, self._idle),
            "retiring": Method(str, self._retiring),
            "leaving": Method(None, self._leaving),
            "initialised": Method(Initialised, self._initialised),
            "status": Method(None, self._status),
            "metrics": Method(None, self._metrics),
            "download": Method(Download, self._download),
            "advance": Method(float, self._advance, self._calls),
            **self._api_gateway.methods(self._calls),
        }

    async def _hello(self, peer: Peer, hello: Hello) -> Welcome:
        peer.name, peer.number = f"edge {hello.edge}", hello.edge
        self._edges.joined(hello.edge, hello.pid, peer)
        peer.closed.add_done_callback(lambda _: self._edge_left(hello.edge, peer))
        self._loops.own(self._confirm(hello.edge))
        self._provisioner.wake()
        return Welcome(os.getpid(), self._clock.shift_s)

    def _edge_left(self, number: int, peer: Peer) -> None:
        if self._edges.left(number, peer):
            self._placement.edge_lost(number)
            self._sqs.dismiss()  # nobody would have what its long polls receive
            self._provisioner.wake()

    async def _confirm(self, edge: int) -> None:
        """After a restart: whether the edge still has what the agent says was handed to it."""
        with contextlib.suppress(Unavailable):
            self._placement.confirm(edge, await self._edges.held(edge))

    async def _http(self, _: Peer, forwarded: Forwarded) -> HttpResponse:
        return await self._dispatcher.answer(forwarded)

    async def _object(self, _: Peer, call: ObjectCall) -> ObjectAnswer:
        return await self._dispatcher.answer_object(call)

    async def _bucket(self, _: Peer, name: str) -> Door | None:
        return await self._messaging.s3.cross_origin.door(name)

    async def _access_key(self, _: Peer, query: KeyQuery) -> AccessKey | None:
        return await self._keys.lookup(query.access_key_id, query.session_token, query.service, query.region)

    async def _snapshot(self, _: Peer, request: SnapshotRequest) -> FunctionSnapshot:
        return await self._lambda.data_plane.snapshot(request.key, request.qualifier)

    async def _function_url(self, _: Peer, query: UrlQuery) -> UrlAccess | None:
        return await self._lambda.urls.access(query)

    async def _lease(self, peer: Peer, request: LeaseRequest) -> LeaseGrant | Hosted:
        return await self._placement.lease(peer.number, request)

    async def _requests(self, _: Peer, query: RateQuery) -> RateGrant:
        return await self._rates.grant(query)

    async def _enqueue(self, _: Peer, body: Enqueue) -> None:
        await self._queue.put(body.invocation)

    async def _idle(self, _: Peer, change: IdleChange) -> None:
        self._placement.idle(change)

    async def _leaving(self, peer: Peer, _body: None) -> None:
        self._edges.leaving(peer.number)
        self._sqs.dismiss()

    async def _retiring(self, _: Peer, environment_id: str) -> None:
        self._placement.retiring(environment_id)
        self._provisioner.wake()

    async def _initialised(self, _: Peer, what: Initialised) -> None:
        self._provisioner.initialised(what)

    async def _download(self, _: Peer, what: Download) -> bytes:
        certificate = self._messaging.sns.certificate(what.path)
        return certificate or await self._lambda.downloads.download(what.path, what.query)

    async def _advance(self, _: Peer, seconds: float) -> Moment:
        return await self._test_clock.advance(seconds, self._edges)

    async def _status(self, _peer: Peer, _body: None) -> dict[str, Any]:
        return await self._report.status()

    async def _metrics(self, _peer: Peer, _body: None) -> str:
        return await self._report.metrics()


async def run_control(settings: Settings, host: Host) -> None:
    """Be control until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    control = Control(settings, host)
    await control.build()
    await control.run(stopping)
