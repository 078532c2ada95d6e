"""What an edge answers inside of environments: the platform's own endpoint, and the Runtime API of those who have one.

The agent hands on sockets that listen in an environment's own network namespace. They are served as long as the
environment is this edge's.
"""

import socket

from lambent.clock import Clock
from lambent.environment.runtime_api.environment_api import Ends, EnvironmentApi
from lambent.environment.runtime_api.router import streams
from lambent.gateway.http.doorman import Doorman
from lambent.gateway.http.room import Room, Rooms
from lambent.gateway.http.rules import Limits as HttpLimits
from lambent.gateway.http.server import HttpServer
from lambent.ids import Ids
from lambent.model.environment import ApiFacts

API_CONNECTIONS = 64  # of one environment to its Runtime API
FOREVER_S = 10 * 365 * 86400.0
# Short bodies only are read whole; a runtime may be silent for as long as it lives.
API_LIMITS = HttpLimits(128 * 1024, 64 * 1024, FOREVER_S, FOREVER_S, FOREVER_S)


class Bridges:
    """By environment. `platform` is the server that the world outside has too."""

    def __init__(self, platform: HttpServer, rooms: Rooms, clock: Clock, ids: Ids) -> None:
        self._platform, self._rooms, self._clock, self._ids = platform, rooms, clock, ids
        self._doors: dict[str, list[tuple[HttpServer, Doorman]]] = {}

    def open_platform(self, environment_id: str, descriptor: int) -> None:
        """Let the environment reach the platform."""
        self._serve(environment_id, descriptor, self._platform, self._rooms.environment(environment_id))

    def open_api(
        self, environment_id: str, facts: ApiFacts, channel: socket.socket, descriptors: list[int]
    ) -> EnvironmentApi:
        """Give the environment its Runtime API; `descriptors` are as the agent hands them over."""
        listener, *rest = descriptors
        supervisor, output = None, -1
        if facts.extensions:
            supervisor, output = socket.socket(fileno=rest.pop(0)), rest.pop(0)
        ends = Ends(channel, supervisor, output, tuple(socket.socket(fileno=each) for each in rest))
        api = EnvironmentApi(facts, ends, self._clock, self._ids)
        server = HttpServer(api.router, self._clock, API_LIMITS, streams)
        self._serve(environment_id, listener, server, Room(most_connections=API_CONNECTIONS))
        return api

    def leave(self, environment_id: str) -> None:
        """It is this edge's no more."""
        for server, door in self._doors.pop(environment_id, ()):
            server.leave(door)

    def _serve(self, environment_id: str, descriptor: int, server: HttpServer, room: Room) -> None:
        door = server.accept(socket.socket(fileno=descriptor), room=room)
        self._doors.setdefault(environment_id, []).append((server, door))
