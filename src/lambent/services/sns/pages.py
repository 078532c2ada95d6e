"""Pages of lists: a hundred at once, and a token that names the last one.

Source: SNS API reference, ListTopics ("Each call returns a limited list of topics, up to 100").
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from lambent.services.operation import Answer, Request
from lambent.services.sns.errors import invalid

SIZE = 100
T = TypeVar("T")


def after(request: Request) -> str:
    """The name behind which a page begins. Raises InvalidParameter."""
    try:
        return base64.b64decode(request.get("NextToken") or "", altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("NextToken") from None


def page(member: str, found: Sequence[T], name: Callable[[T], str], show: Callable[[T], object]) -> Answer:
    """The answer, of one more than SIZE that were asked for."""
    answer: Answer = {member: [show(each) for each in found[:SIZE]]}
    if len(found) > SIZE:
        answer["NextToken"] = base64.urlsafe_b64encode(name(found[SIZE - 1]).encode()).decode()
    return answer
