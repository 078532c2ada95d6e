"""How much of a process those may have who only send: bytes of requests that are not answered yet, connections.

A connection sends before anybody knows who it is, and inside of environments a function decides how many
there are. So what lies in memory is counted, in rooms within rooms: an environment's, within that of all
environments, within the process's. Environments together have half, and one of them an eighth, so that no
function can take what others or the world outside need. What is short is never counted nor refused: only
how many connections there are bounds it.

Pure. What of a request is held is the connection's to know, and who is told of refusals the server's.
"""

from collections import Counter

CROWDED = "too much is being sent at once; try again"
UNCOUNTED_BYTES = 16 * 1024  # of each request
PIECE_BYTES = 64  # what each header line and each piece of a body costs besides its bytes
FEW_PIECES = 64  # of a body, whose cost is not looked at
REQUEST_BYTES = 2048  # what a request costs besides, however short


class Room:
    """`most_bytes` are for all who are in it or in rooms within it, `most_connections` for those in it; 0 for any.

    Args:
        name: by which refusals in it are told.
    """

    def __init__(
        self, most_bytes: int = 0, within: "Room | None" = None, *, most_connections: int = 0, name: str = ""
    ) -> None:
        self._most_bytes, self._within, self._most_connections, self._name = most_bytes, within, most_connections, name
        self._refusals: Counter[str] = Counter() if within is None else within._refusals
        self.held_bytes = self.connections = 0

    def enter(self) -> bool:
        """One connection more, to be ended at once where the answer is False; `leave` belongs to either."""
        self.connections += 1
        welcome = not 0 < self._most_connections < self.connections
        if not welcome:
            self.note_refusal()
        return welcome

    def leave(self) -> None:
        """One connection less."""
        self.connections -= 1

    def take(self, count: int) -> bool:
        """Hold so many bytes more; False, with nothing changed, where they are too many."""
        if self._most_bytes and self.held_bytes + count > self._most_bytes:
            self.note_refusal()
            return False
        if self._within is not None and not self._within.take(count):
            return False
        self.held_bytes += count
        return True

    def give(self, count: int) -> None:
        """They are held no more."""
        self.held_bytes -= count
        if self._within is not None:
            self._within.give(count)

    def note_refusal(self) -> None:
        """Somebody in it was refused bytes, or a connection."""
        self._refusals[self._name] += 1

    def take_refusals(self) -> dict[str, int]:
        """How many there were by name since the last asking, in all of the outermost room."""
        refusals = dict(self._refusals)
        self._refusals.clear()
        return refusals


class Rooms:
    """Of one process. Args: most_bytes: of all; longest_bytes: a request, for one of which everybody has room."""

    def __init__(self, most_bytes: int, longest_bytes: int, environment_connections: int) -> None:
        self.all = Room(max(most_bytes, 4 * longest_bytes))
        self._environments = Room(max(most_bytes // 2, 2 * longest_bytes), self.all)
        self._one_bytes = max(most_bytes // 8, longest_bytes)
        self._connections = environment_connections

    def environment(self, environment_id: str) -> Room:
        """A new one, for one environment."""
        return Room(
            self._one_bytes,
            self._environments,
            most_connections=self._connections,
            name=f"environment {environment_id}",
        )
