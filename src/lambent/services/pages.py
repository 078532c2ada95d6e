"""Pages of lists by name, and the token between them: the last name of the page before.

For services whose lists take NextToken; a list that changes meanwhile neither repeats nor skips what stayed.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

from lambent.errors import ValidationError
from lambent.services.operation import Answer, Request

LARGEST = 100
T = TypeVar("T")


def page(
    request: Request, member: str, items: Iterable[T], name: Callable[[T], str], show: Callable[[T], object]
) -> Answer:
    """The answer with what follows NextToken, at most Limit (or MaxResults) of it. Raises ValidationError."""
    after = _after(request)
    rest = [item for item in items if name(item) > after]
    limit = min(request.get("Limit") or request.get("MaxResults") or LARGEST, LARGEST)
    answer: Answer = {member: [show(item) for item in rest[:limit]]}
    if len(rest) > limit:
        answer["NextToken"] = base64.urlsafe_b64encode(name(rest[limit - 1]).encode()).decode()
    return answer


def _after(request: Request) -> str:
    try:
        return base64.b64decode(request.get("NextToken", ""), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise ValidationError("Parameter NextToken is not valid. Reason: Invalid pagination token.") from None
