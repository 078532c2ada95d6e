"""Client tokens: a change that is sent twice happens once.

boto3 and the AWS SDKs add a token to each request by themselves, the same one when they send it again.
Source: the service model (idempotencyToken); ConflictException for a token that comes with another request.
"""

import hashlib
from collections.abc import Callable

from msgspec import json

from lambent.services.operation import Answer, Request, RequestContext
from lambent.services.scheduler.errors import Conflict
from lambent.services.scheduler.store import SQL
from lambent.store.api import Database, Transaction

KEPT_MS = 24 * 3_600_000


async def once(
    database: Database, ctx: RequestContext, request: Request, now_ms: int, work: Callable[[Transaction], Answer]
) -> Answer:
    """The answer of `work`, run only if the request's token is new. Raises Conflict."""
    token = request.get("ClientToken")
    if not token:
        return await database.write(work)
    place = {"account": ctx.account, "region": ctx.region, "token": token}
    fingerprint = _fingerprint(request)

    def guarded(tx: Transaction) -> Answer:
        tx.run(SQL.forget_tokens, before_ms=now_ms - KEPT_MS)
        known = tx.one(SQL.token, **place)
        if known is None:
            answer = work(tx)
            tx.run(SQL.add_token, **place, request=fingerprint, answer=json.encode(answer).decode(), at_ms=now_ms)
            return answer
        if known["request"] != fingerprint:
            raise Conflict(f"The client token {token} was used for another request.")
        return dict(json.decode(known["answer"], type=dict[str, str]))

    return await database.write(guarded)


def _fingerprint(request: Request) -> str:
    members = {name: value for name, value in request.items() if name != "ClientToken"}
    return hashlib.sha256(json.encode(members, order="deterministic")).hexdigest()
