"""Parts of an API that belong to another part of it: responses below routes and integrations.

What is made, found, changed and deleted is the same for each; which members there are and what is legal, their modules
know. A part's own id and that of its owner are members of its record, and the owner's is not shown.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.deploying import changed
from lambent.services.apigatewayv2.errors import Conflict, no_part
from lambent.services.apigatewayv2.model import Api, Part, edited, given, shown
from lambent.services.apigatewayv2.pages import page
from lambent.services.operation import Answer, Request, RequestContext
from lambent.store.api import Transaction

ID_LENGTH = 7
Owner = TypeVar("Owner", bound=Part)
P = TypeVar("P", bound=Part)
Check = Callable[[Api, Owner, P, Mapping[str, Any]], None]
"""Whether a part may be as the request makes it. Raises BadRequest."""


class Below(Generic[Owner, P]):
    """Parts of kind `part`, each below one of kind `owner`.

    Args:
        members: what requests say of a part.
        taken: what a second one with the same key is told.
    """

    def __init__(
        self,
        resources: Resources,
        kinds: tuple[type[Owner], type[P]],
        members: tuple[str, ...],
        check: Check[Owner, P],
        taken: Callable[[P], str],
    ) -> None:
        self._all, self._members, self._check, self._taken = resources, members, check, taken
        self._owner, self._part = kinds
        self._owner_id, self._part_id = f"{self._owner.kind}Id", f"{self._part.kind}Id"

    async def create(self, context: RequestContext, request: Request) -> Answer:
        """A new one."""
        ids = {self._part_id: self._all.ids.letters(ID_LENGTH).lower(), self._owner_id: request[self._owner_id]}
        made = msgspec.convert({**ids, **given(request, self._members)}, self._part)
        return await self._put(context, request, lambda _tx, _api_id: made)

    async def get(self, context: RequestContext, request: Request) -> Answer:
        """One of them."""

        def work(tx: Transaction) -> P:
            return self._one(tx, store.api(tx, context, request["ApiId"]).api_id, request)

        return self._wire(await self._all.read(request["ApiId"], work))

    async def list(self, context: RequestContext, request: Request) -> Answer:
        """Those of one owner, by id."""

        def work(tx: Transaction) -> list[P]:
            api_id = store.api(tx, context, request["ApiId"]).api_id
            owner_id = store.part(tx, api_id, self._owner, request[self._owner_id]).part_id
            return [each for each in store.parts(tx, api_id, self._part) if self._owner_of(each) == owner_id]

        found = await self._all.read(request["ApiId"], work)
        return page(request, found, lambda each: each.part_id, self._wire)

    async def update(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays; what is sent is replaced as a whole."""
        return await self._put(
            context,
            request,
            lambda tx, api_id: edited(self._one(tx, api_id, request), given(request, self._members)),
        )

    async def delete(self, context: RequestContext, request: Request) -> None:
        """It says nothing from the next deployment on."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            store.delete_part(tx, api.api_id, self._part, self._one(tx, api.api_id, request).part_id)
            changed(tx, api, self._all)

        await self._all.changes.make(request["ApiId"], work)

    async def _put(self, context: RequestContext, request: Request, wanted: Callable[[Transaction, str], P]) -> Answer:
        def work(tx: Transaction) -> P:
            api = store.api(tx, context, request["ApiId"])
            owner = store.part(tx, api.api_id, self._owner, request[self._owner_id])
            made = wanted(tx, api.api_id)
            self._check(api, owner, made, request)
            if not store.set_part(tx, api.api_id, made):
                raise Conflict(self._taken(made))
            changed(tx, api, self._all)
            return made

        return self._wire(await self._all.changes.make(request["ApiId"], work))

    def _one(self, tx: Transaction, api_id: str, request: Mapping[str, Any]) -> P:
        found = store.part(tx, api_id, self._part, request[self._part_id])
        if self._owner_of(found) != request[self._owner_id]:
            raise no_part(self._part.kind, request[self._part_id])
        return found

    def _owner_of(self, part: P) -> str:
        return str(shown(part)[self._owner_id])

    def _wire(self, part: P) -> Answer:
        members = shown(part)
        members.pop(self._owner_id)
        return members
