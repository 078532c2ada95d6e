"""What the resources of EventBridge share: the database, the clock, and telling the router of changes."""

from collections.abc import Callable
from typing import TypeVar

from lambent.clock import Clock
from lambent.errors import ValidationError
from lambent.services.events.api import Roles
from lambent.services.events.model import BusKey
from lambent.services.events.routing import PRINCIPAL, Router
from lambent.services.operation import Request
from lambent.services.passed_roles import check_passed
from lambent.store.api import Database, Transaction

T = TypeVar("T")
MOST_TAGS = 50


class Resource:
    """The base of each resource."""

    def __init__(self, database: Database, clock: Clock, router: Router) -> None:
        self.database, self.clock, self.router = database, clock, router

    async def write(self, bus: BusKey, work: Callable[[Transaction], T]) -> T:
        """Run `work`; when this returns, events meet what it changed on `bus`."""
        try:
            return await self.database.write(work)
        finally:
            self.router.changed(bus)


async def check_role(roles: Roles, role_arn: str, account: str) -> None:
    """Raises AccessDenied for a role of another account, ValidationError for one that EventBridge cannot act as."""
    if not role_arn:
        return
    check_passed(role_arn, account)
    if not await roles.assumable_by(role_arn, PRINCIPAL, account):
        raise ValidationError(f"Provided role '{role_arn}' cannot be assumed by principal '{PRINCIPAL}'.")


def tags_of(request: Request) -> dict[str, str]:
    """The Tags of a request as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
