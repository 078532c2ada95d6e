"""Pages of lists, as this service asks for them: MaxResults is text, and members are called Items."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from lambent.errors import ValidationError
from lambent.services import pages
from lambent.services.apigatewayv2.errors import BadRequest
from lambent.services.operation import Answer, Request

T = TypeVar("T")


def page(request: Request, items: Iterable[T], name: Callable[[T], str], show: Callable[[T], object]) -> Answer:
    """The answer with what follows NextToken; `items` are in the order of their names. Raises BadRequest."""
    most = request.get("MaxResults") or str(pages.LARGEST)
    if not (most.isascii() and most.isdecimal() and int(most) >= 1):
        raise BadRequest(f"MaxResults is {most!r}; it takes a number from 1 on.")
    try:
        return pages.page({**request, "MaxResults": int(most)}, "Items", items, name, show)
    except ValidationError:
        raise BadRequest("Invalid pagination token specified.") from None
