"""Who asks: the signature is checked at the door, with keys that control hands out.

Edges keep the keys that they have seen; control takes one back (`forget`) before it
acknowledges that the key was deleted or switched off.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from lambent.clock import Clock
from lambent.errors import ServiceError
from lambent.gateway.buckets import addressed, is_for_s3
from lambent.gateway.exchange import Exchange
from lambent.model.messages import KeyQuery
from lambent.model.principal import AccessKey
from lambent.protocol.sigv2_links import credential_of_link, is_link, verify_link
from lambent.protocol.sigv4 import Credential, credential_of, unknown_key, verify

KEPT_KEYS = 20_000

Lookup = Callable[[KeyQuery], Awaitable[AccessKey | None]]


class KeyCache:
    """Access keys by id and session token, the least recently used forgotten first.

    Args:
        lookup: asks control; None for a key that nobody has.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._keys: OrderedDict[tuple[str, str], AccessKey] = OrderedDict()
        self._epoch = 0

    def known(self, credential: Credential) -> AccessKey | None:
        """The key, if it is here."""
        return self._keys.get((credential.access_key_id, credential.token))

    def answer(self, query: KeyQuery) -> AccessKey | None:
        """The key that a neighbour asks for, if it is here."""
        return self._keys.get((query.access_key_id, query.session_token))

    async def get(self, credential: Credential) -> AccessKey | None:
        """The key, from memory or from control."""
        name = credential.access_key_id, credential.token
        key = self._keys.get(name)
        if key is not None:
            return key
        epoch = self._epoch
        key = await self._lookup(KeyQuery(*name, credential.service, credential.region))
        if key is not None and epoch == self._epoch:
            self._keys[name] = key
            if len(self._keys) > KEPT_KEYS:
                self._keys.popitem(last=False)
        return key

    def forget(self, access_key_ids: list[str]) -> None:
        """Drop these keys; answers already on their way from control are not kept either."""
        self._epoch += 1
        gone = set(access_key_ids)
        for name in [name for name in self._keys if name[0] in gone]:
            del self._keys[name]

    def forget_all(self) -> None:
        """Drop everything: what was missed while control was away cannot be known."""
        self._epoch += 1
        self._keys.clear()


class Authentication:
    """The stage that verifies the signature and names the principal, service and Region."""

    def __init__(self, keys: KeyCache, clock: Clock, skew_s: float) -> None:
        self._keys, self._clock, self._skew_s = keys, clock, skew_s

    def __call__(self, exchange: Exchange) -> Awaitable[None] | None:
        """Fill in who asks; at once, when the key is known here.

        Raises:
            ServiceError: no, a broken, an expired or a wrong signature, with AWS's own code.
        """
        request = exchange.request
        try:
            credential = credential_of_link(request) if is_link(request) else credential_of(request)
        except ServiceError:
            exchange.service = "s3" if is_for_s3(request) else ""  # whose form of errors the client reads
            raise
        exchange.service, exchange.region = credential.service, credential.region
        key = self._keys.known(credential)
        if key is None:
            return self._look_up(exchange, credential)
        self._verify(exchange, credential, key)
        return None

    async def _look_up(self, exchange: Exchange, credential: Credential) -> None:
        self._verify(exchange, credential, await self._keys.get(credential))

    def _verify(self, exchange: Exchange, credential: Credential, key: AccessKey | None) -> None:
        if key is None or not key.active:
            raise unknown_key(credential.service)
        request, now_s = exchange.request, self._clock.machine_s()
        if is_link(request):
            verify_link(request, addressed(request).path, credential, key, now_s)
        else:
            verify(request, credential, key, now_s, self._skew_s, body_follows=exchange.body is not None)
        exchange.principal = key.principal
