"""What a Lambda authorizer said, read; and what edges remember of it. Pure but for the clock.

Source: API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers": the simple form
(`isAuthorized`, `context`) and the form with an IAM policy (`principalId`, `policyDocument`, `context`).
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lambent.clock import Clock
from lambent.gateway.apis.authorizer_policy import BadVerdict, allows

KEPT = 50_000


class Verdict(Struct, frozen=True):
    """`allowed` None: `policy` decides for each resource. `usage_key` is an API key that the function names."""

    values: Mapping[str, Any]
    allowed: bool | None = None
    policy: Any = None
    principal_id: str = ""
    usage_key: str = ""

    def lets(self, resource: str, context: Mapping[str, str]) -> bool:
        """Whether the caller may call `resource`. Raises BadVerdict."""
        if self.allowed is not None:
            return self.allowed
        return allows(self.policy, resource, context)


def verdict_of(payload: bytes, *, simple: bool) -> Verdict:
    """What the function said. Raises BadVerdict."""
    try:
        told = msgspec.json.decode(payload, type=dict[str, Any])
    except (ValueError, RecursionError):
        raise BadVerdict("it is no JSON object") from None
    values = told.get("context") or {}
    if not isinstance(values, dict):
        raise BadVerdict("its context is no object")
    if simple:
        if not isinstance(told.get("isAuthorized"), bool):
            raise BadVerdict("its isAuthorized is neither true nor false")
        return Verdict(values, told["isAuthorized"])
    if not isinstance(told.get("principalId"), str):
        raise BadVerdict("it has no principalId")
    usage_key = str(told.get("usageIdentifierKey") or "")
    verdict = Verdict(values, None, told.get("policyDocument"), told["principalId"], usage_key)
    verdict.lets("", {})  # a policy without a form is found out now
    return verdict


class Verdicts:
    """Those that are good for a while, the least recently used forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Verdict]] = OrderedDict()

    def get(self, key: tuple[str, ...]) -> Verdict | None:
        """The verdict, if it is good still."""
        kept = self._kept.get(key)
        if kept is None or kept[0] <= self._clock.now_s():
            return None
        self._kept.move_to_end(key)
        return kept[1]

    def put(self, key: tuple[str, ...], verdict: Verdict, ttl_s: int) -> None:
        """Good for so long. The first part of the key is the API's id."""
        self._kept[key] = self._clock.now_s() + ttl_s, verdict
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def forget(self, api_ids: list[str]) -> None:
        """An API was changed, or somebody wants its authorizers asked again."""
        gone = set(api_ids)
        for key in [key for key in self._kept if key[0] in gone]:
            del self._kept[key]

    def forget_all(self) -> None:
        """The same for all."""
        self._kept.clear()
