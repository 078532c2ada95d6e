"""The Telemetry API and the Logs API of one environment: who has subscribed, and what has happened.

What happened in the init phase is kept until it is over, for those who subscribe in it; afterwards nobody can.
Source: see `subscriptions`.
"""

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from lambent.clock import Clock, iso_millis
from lambent.environment.runtime_api.answers import ApiError
from lambent.environment.runtime_api.delivery import Delivery, Room
from lambent.environment.runtime_api.extensions import Extensions
from lambent.environment.runtime_api.subscriptions import View, parse, target_of
from lambent.model.http import HttpRequest, HttpResponse

OK = HttpResponse(200, [("content-type", "text/plain")], b'"OK"')
MOST_EARLY, MOST_EARLY_CHARACTERS = 1000, 4_000_000


class Subscriber(Struct):
    """One, and what it wants."""

    view: View
    delivery: Delivery


class Telemetry:
    """Takes events with `tell`. Owns `sockets`, which were made inside the environment."""

    def __init__(
        self, extensions: Extensions, sockets: Sequence[socket.socket], *, json_lines: bool, clock: Clock
    ) -> None:
        self._extensions, self._sockets, self._json_lines, self._clock = extensions, list(sockets), json_lines, clock
        self._subscribers: dict[str, Subscriber] = {}
        self._room = Room()
        self._early: list[tuple[str, str, Any]] = []
        self._early_characters = 0  # of lines; all else is short
        self.open = True  # for subscriptions: until the init phase is over
        self._closing: asyncio.Future[Any] | None = None

    @property
    def heard(self) -> bool:
        """Whether anybody hears what happens, or may still come to hear it."""
        return self.open or bool(self._subscribers)

    def tell(self, kind: str, record: Any, time_ms: int | None = None) -> None:
        """Something has happened."""
        if not self.heard:
            return
        time = self._stamp(time_ms)
        if self.open:
            self._keep_early(time, kind, record)
        for subscriber in self._subscribers.values():
            for event in subscriber.view.of(time, kind, record):
                subscriber.delivery.put(event)

    def _keep_early(self, time: str, kind: str, record: Any) -> None:
        characters = self._early_characters + (len(record) if isinstance(record, str) else 0)
        if len(self._early) < MOST_EARLY and characters <= MOST_EARLY_CHARACTERS:
            self._early.append((time, kind, record))
            self._early_characters = characters

    def _stamp(self, time_ms: int | None = None) -> str:
        return iso_millis(self._clock.now_ms() if time_ms is None else time_ms).removesuffix("+0000") + "Z"

    def close_init(self) -> None:
        """The init phase is over."""
        self.open = False
        self._early.clear()
        if not self._subscribers:
            self._close_sockets()

    def subscribe(self, request: HttpRequest, *, logs: bool) -> HttpResponse:
        """PUT telemetry, or PUT logs: an extension has one subscription, to the one or to the other."""
        extension = self._extensions.of(request)
        family = "Logs" if logs else "Telemetry"
        if not self.open:
            raise ApiError(403, f"{family}.SubscriptionsClosed", "Subscriptions are possible in the init phase only")
        wanted = parse(request.body, logs=logs)
        if extension.identifier in self._subscribers:
            raise ApiError(403, f"{family}.AlreadySubscribed", "The extension has subscribed already")
        if not self._sockets:
            raise ApiError(403, f"{family}.TooManySubscriptions", "No more subscriptions are possible here")
        view = View(wanted, logs=logs, json_lines=self._json_lines)
        lost, sock = partial(self._words_on_loss, view), self._sockets.pop()
        delivery = Delivery(target_of(wanted.destination), wanted.buffering, sock, self._clock, lost, room=self._room)
        subscriber = Subscriber(view, delivery)
        for time, kind, record in self._early:
            for event in subscriber.view.of(time, kind, record):
                delivery.put(event)
        self._subscribers[extension.identifier] = subscriber
        told = {"name": extension.name, "state": "Subscribed", "types": wanted.types}
        self.tell("platform.logsSubscription" if logs else "platform.telemetrySubscription", told)
        return OK

    def hurry(self) -> None:
        """The shutdown phase: whatever is held goes out at once."""
        for subscriber in self._subscribers.values():
            subscriber.delivery.hurry()

    def close(self) -> None:
        """The environment is gone."""
        self.open = False
        self._close_sockets()
        deliveries = [subscriber.delivery for subscriber in self._subscribers.values()]
        self._subscribers.clear()
        if deliveries:
            self._closing = asyncio.gather(*(delivery.close() for delivery in deliveries))

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()
        self._sockets = []

    def _words_on_loss(self, view: View, records: int, size: int) -> list[bytes]:
        """What only the subscriber who lost something is told."""
        reason = "Some events were not delivered: the subscriber was too slow, or did not take them"
        told = {"droppedRecords": records, "droppedBytes": size, "reason": reason}
        return view.of(self._stamp(), "platform.logsDropped", told)
