"""Ids of connections, which say what edge holds them. Pure but for randomness.

Eleven bytes in base64, as in AWS: two with the number of the edge, the rest at random.
"""

import base64
import binascii

from lambent.ids import Ids

EDGE_BYTES, RANDOM_BYTES = 2, 9
LENGTH = 16


def new_connection_id(edge: int, ids: Ids) -> str:
    """A fresh id for a connection of this edge."""
    raw = edge.to_bytes(EDGE_BYTES, "big") + bytes.fromhex(ids.hex(2 * RANDOM_BYTES))
    return base64.urlsafe_b64encode(raw).decode()


def edge_of(connection_id: str) -> int | None:
    """The edge that holds it, or held it; None for what is no id."""
    if len(connection_id) != LENGTH:
        return None
    try:
        raw = base64.b64decode(connection_id, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(raw[:EDGE_BYTES], "big") if len(raw) == EDGE_BYTES + RANDOM_BYTES else None
