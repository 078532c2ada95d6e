"""What PATCH may change of a stage: a table, and the settings of methods, whose paths are their own. Pure.

`/~1pets/GET/throttling/rateLimit` and `/*/*/logging/loglevel` name a method of the stage. Sources: API Gateway API
Reference, "UpdateStage" and "Patch operations"; the defaults are those that AWS shows.
"""

from typing import Any

from lambent.model.rest_api import Part
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest, not_built
from lambent.services.apigateway.methods import VERBS
from lambent.services.apigateway.patch import Rule

CHANGES = frozenset({"replace", "add", "remove"})
EVERY = "*/*"
USUAL: Part = {
    "metricsEnabled": False,
    "loggingLevel": "OFF",
    "dataTraceEnabled": False,
    "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10000.0,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}
SETTABLE: dict[str, tuple[str, patch.Convert]] = {
    "throttling/rateLimit": ("throttlingRateLimit", patch.number),
    "throttling/burstLimit": ("throttlingBurstLimit", patch.integer),
    "metrics/enabled": ("metricsEnabled", patch.boolean),
}
UNBUILT = {  # the value that says no to what is not built
    "logging/loglevel": ("OFF",),
    "logging/dataTrace": ("false",),
    "caching/enabled": ("false",),
    "caching/dataEncrypted": ("false",),
    "caching/ttlInSeconds": ("300", "0"),
    "caching/requireAuthorizationForCacheControl": ("true", "false"),
    "caching/unauthorizedCacheControlHeaderStrategy": (
        "SUCCEED_WITH_RESPONSE_HEADER", "SUCCEED_WITHOUT_RESPONSE_HEADER", "FAIL_WITH_403",
    ),
}  # fmt: skip


def _limit(part: Part, op: str, names: list[str], value: str) -> None:
    which = f"{names[2]}/{names[3]}"
    if names[1] not in (("*",) if names[0] == "*" else VERBS):
        raise BadRequest(f"Invalid method setting path: /{'/'.join(names)}. It begins with /*/* or with a resource's "
                         f"path, in which / is written ~1, and one of {', '.join(VERBS)}")  # fmt: skip
    settings = part.setdefault("methodSettings", {}).setdefault(key_of(names[0], names[1]), dict(USUAL))
    if which in SETTABLE:
        member, convert = SETTABLE[which]
        settings[member] = USUAL[member] if op == "remove" else convert(value)
        if settings[member] < -1:
            raise BadRequest(f"Invalid value '{value}' for {which}.")
    elif which not in UNBUILT:
        raise BadRequest(f"Invalid method setting path: /{'/'.join(names)}. Must be one of: "
                         f"[{', '.join([*SETTABLE, *UNBUILT])}]")  # fmt: skip
    elif op != "remove" and value not in UNBUILT[which]:
        raise not_built(f"The setting {which} of a method")


def _forget(part: Part, _op: str, names: list[str], _value: str) -> None:
    part.get("methodSettings", {}).pop(key_of(names[0], names[1]), None)


def key_of(path: str, method: str) -> str:
    """The key of methodSettings: `*/*`, or `~1pets/GET` for the path /pets, as AWS shows it."""
    return EVERY if path == "*" else f"{path.replace('/', '~1')}/{method}"


def effective(settings: dict[str, Part]) -> dict[str, Part]:
    """The settings by the methods that they hold for, `~1pets/GET`: tools leave the first slash of a path out, and
    what is said of ANY holds for each verb that has no settings of its own."""
    rooted = {key if key == EVERY or key.startswith("~1") else "~1" + key: each for key, each in settings.items()}
    for key in [each for each in rooted if each.endswith("/ANY")]:
        for verb in VERBS:
            rooted.setdefault(f"{key.removesuffix('ANY')}{verb}", rooted[key])
    return rooted


def _off(what: str) -> patch.Change:
    def change(_part: Part, op: str, _names: list[str], value: str) -> None:
        if op != "remove" and value.lower() not in ("", "false"):
            raise not_built(what)

    return change


def _copied(target: str) -> patch.Change:
    """A copy out of the canary, which promotes it. Raises BadRequest."""

    def change(part: Part, _op: str, _names: list[str], source: str) -> None:
        found: Any = part
        for name in source[1:].split("/"):
            found = found.get(name) if isinstance(found, dict) else None
        if source == "/canarySettings/stageVariableOverrides" and "canarySettings" in part:
            found = found or {}  # a canary without overrides is promoted by the same operations
        if found is None or not source.startswith("/canarySettings/"):
            raise BadRequest(f"Invalid patch path '{source}' to copy from.")
        part[target] = {**part.get(target, {}), **found} if isinstance(found, dict) else found

    return change


def _no_canary(part: Part, _op: str, _names: list[str], _value: str) -> None:
    if part.pop("canarySettings", None) is None:
        raise BadRequest("Cannot remove canarySettings: the stage has none.")


RULES = (
    patch.scalar("/deploymentId", removable=False),
    patch.scalar("/description"),
    patch.entries("variables"),
    Rule("/variables", frozenset({"copy"}), _copied("variables")),
    Rule("/deploymentId", frozenset({"copy"}), _copied("deploymentId")),
    patch.scalar("/accessLogSettings/destinationArn"),
    patch.scalar("/accessLogSettings/format"),
    patch.whole("accessLogSettings"),
    patch.scalar("/canarySettings/percentTraffic", patch.number, removable=False),
    patch.scalar("/canarySettings/deploymentId", removable=False),
    patch.entries("canarySettings/stageVariableOverrides"),
    Rule("/canarySettings/useStageCache", CHANGES, _off("Caching of answers (useStageCache)")),
    Rule("/canarySettings", frozenset({"remove"}), _no_canary),
    Rule("/cacheClusterEnabled", CHANGES, _off("Caching of answers (cacheClusterEnabled)")),
    Rule("/cacheClusterSize", CHANGES, _off("Caching of answers (cacheClusterSize)")),
    Rule("/tracingEnabled", CHANGES, _off("tracingEnabled")),
    Rule("/clientCertificateId", CHANGES, _off("clientCertificateId")),
    Rule("/documentationVersion", CHANGES, _off("documentationVersion")),
    Rule("/{}/{}/{}/{}", CHANGES, _limit),
    Rule("/{}/{}", frozenset({"remove"}), _forget),
)
