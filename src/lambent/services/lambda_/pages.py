"""Pages of lists, and the opaque markers between them.

A marker says after which item the next page begins, so a list that changes meanwhile neither
repeats nor skips what stayed. Source: behaviours section 7 (at most 50 functions on a page).
"""

import base64
import binascii

import msgspec
from msgspec import Struct

from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.operation import Request

LARGEST_PAGE = 50


class Place(Struct, frozen=True, array_like=True):
    """The last item of the page before. `number` is the version's; -1 begins a list."""

    name: str = ""
    number: int = -1


def page_size(request: Request) -> int:
    """How many items the caller wants, within what we give."""
    return min(int(request.get("MaxItems") or LARGEST_PAGE), LARGEST_PAGE)


def place_of(request: Request) -> Place:
    """Where the page begins. Raises InvalidParameter for a marker that we did not make."""
    marker = request.get("Marker")
    if not marker:
        return Place()
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(marker.encode()), type=Place)
    except (binascii.Error, ValueError) as error:  # msgspec's errors are ValueErrors too
        raise InvalidParameter("The provided pagination token is invalid.") from error


def marker_of(place: Place) -> str:
    """What the caller sends back for the next page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()
