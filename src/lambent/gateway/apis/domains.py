"""Custom domain names: which API a request is for whose Host is somebody's own.

An edge knows all of them, as control told it, until control takes that back. Most requests are for hosts that cannot be
anybody's own (addresses, localhost), and are told apart without asking. Where control is away and nothing is known,
such a request is not ours: who calls other services must not wait.

Source: API Gateway Developer Guide, "Map API stages to a custom domain name for HTTP APIs": the longest key that the
path begins with, in whole parts, wins.
"""

from collections.abc import Awaitable, Callable, Sequence

from lambent.errors import Unavailable
from lambent.gateway.apis.address import ApiAddress, domain_of
from lambent.model.apis import DomainMapping

Ask = Callable[[], Awaitable[dict[str, list[DomainMapping]]]]


class Domains:
    """Args: ask: control's `domains`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: dict[str, list[DomainMapping]] | None = None
        self._epoch = 0

    def forget(self) -> None:
        """Something was changed."""
        self._known, self._epoch = None, self._epoch + 1

    @property
    def known(self) -> bool:
        """Whether `mappings` can say."""
        return self._known is not None

    def mappings(self, host: str) -> list[DomainMapping] | None:
        """Where a custom domain name leads; None for a host that is none."""
        return None if not self._known else self._known.get(domain_of(host).lower())

    async def learn(self) -> None:
        """Ask, if nothing is known; a control that is away is no error."""
        epoch = self._epoch
        try:
            told = await self._ask()
        except Unavailable:
            return
        if epoch == self._epoch:
            self._known = told


def may_be_custom(host: str) -> bool:
    """Whether a host can be a custom domain name at all."""
    if host[:1].isdecimal() and domain_of(host).replace(".", "").isdecimal():  # an IPv4 address
        return False
    return not (host.startswith(("localhost", "[")) or "." not in host)


def address_at(host: str, path: str, mappings: Sequence[DomainMapping]) -> ApiAddress | None:
    """The API that a path below a custom domain name leads to; None for nowhere."""
    best = None
    for each in mappings:
        fits = not each.key or path[1:] == each.key or path.startswith(f"/{each.key}/")
        if fits and (best is None or len(each.key) > len(best.key)):
            best = each
    if best is None:
        return None
    base = f"/{best.key}" if best.key else ""
    return ApiAddress(best.api_id, "", path[len(base) :] or "/", domain_of(host), best.stage, base, custom=True)
