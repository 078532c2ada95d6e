"""The lifecycle rules of a bucket: what a configuration may say, and what of a key's versions is over. Pure.

A rule's days end at the first midnight, UTC, after they have passed. Storage classes are not changed: transitions are
refused by name.

Sources: S3 User Guide, "Lifecycle configuration elements", "Expiring objects" (which also tells when a delete marker
that is alone expires), "Lifecycle rules: based on an object's age"; S3 API reference, PutBucketLifecycleConfiguration.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal

from msgspec import Struct

from lambent.services.s3.errors import S3Error, invalid_argument, invalid_request, malformed, not_implemented
from lambent.services.s3.model import Upload, Version

DAY_MS = 86_400_000
MOST_RULES, LONGEST_ID, MOST_KEPT = 1_000, 255, 100
TRANSITIONS = ("Transition", "Transitions", "NoncurrentVersionTransition", "NoncurrentVersionTransitions")
SIZES = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")

Act = tuple[Literal["expire", "remove"], Version]
"""Delete the object as a client would, or remove that version for ever."""


class Filter(Struct, frozen=True):
    """Which objects a rule is about."""

    prefix: str = ""
    tags: Mapping[str, str] = {}
    over_bytes: int | None = None
    under_bytes: int | None = None

    def lets(self, version: Version) -> bool:
        """Whether it is about this one."""
        return (
            version.key.startswith(self.prefix)
            and all(version.facts.tags.get(key) == value for key, value in self.tags.items())
            and (self.over_bytes is None or version.bytes > self.over_bytes)
            and (self.under_bytes is None or version.bytes < self.under_bytes)
        )


class Rule(Struct, frozen=True):
    """One rule that is enabled. Without an action, the field of the action is None."""

    id: str
    about: Filter
    days: int | None = None
    date_ms: int | None = None
    lone_markers: bool = False
    noncurrent_days: int | None = None
    kept: int = 0  # so many noncurrent versions stay, however old
    abort_days: int | None = None

    def ends_ms(self, version: Version) -> int | None:
        """When the newest version of a key expires."""
        if (self.days is None and self.date_ms is None) or not self.about.lets(version):
            return None
        return self.date_ms if self.days is None else midnight_after(version.modified_ms, self.days)


def midnight_after(since_ms: int, days: int) -> int:
    """The first midnight, UTC, at which so many days have passed."""
    return -(-(since_ms + days * DAY_MS) // DAY_MS) * DAY_MS


def acts(versions: Sequence[Version], rules: Sequence[Rule], now_ms: int) -> list[Act]:
    """What is over of all the versions of one key, the newest first."""
    newest = versions[0]
    found: list[Act] = []
    if newest.marker:
        if len(versions) == 1 and any(_ends_alone(rule, newest, now_ms) for rule in rules):
            found.append(("remove", newest))
    elif any((ends := rule.ends_ms(newest)) is not None and ends <= now_ms for rule in rules):
        found.append(("expire", newest))
    for newer, (one, version) in enumerate(pairwise(versions)):
        if any(_ends_noncurrent(rule, version, newer, one.modified_ms, now_ms) for rule in rules):
            found.append(("remove", version))
    return found


def expiry(version: Version, rules: Sequence[Rule]) -> tuple[int, str] | None:
    """When the newest version of a key expires first, and by which rule."""
    ends = [(at_ms, rule.id) for rule in rules if (at_ms := rule.ends_ms(version)) is not None]
    return min(ends, default=None)


def abort(upload: Upload, rules: Sequence[Rule]) -> tuple[int, str] | None:
    """The same for an upload that does not come to an end."""
    return min(
        (
            (midnight_after(upload.started_ms, rule.abort_days), rule.id)
            for rule in rules
            if rule.abort_days is not None and upload.key.startswith(rule.about.prefix)
        ),
        default=None,
    )


def _ends_alone(rule: Rule, marker: Version, now_ms: int) -> bool:
    if rule.lone_markers and rule.about.lets(marker):
        return True
    ends_ms = rule.ends_ms(marker) if not rule.about.tags else None
    return ends_ms is not None and ends_ms <= now_ms


def _ends_noncurrent(rule: Rule, version: Version, newer: int, since_ms: int, now_ms: int) -> bool:
    if rule.noncurrent_days is None or newer < rule.kept or not rule.about.lets(version):
        return False
    return midnight_after(since_ms, rule.noncurrent_days) <= now_ms


def entries_of(configuration: Mapping[str, Any], new_id: Callable[[], str]) -> list[dict[str, Any]]:
    """The entries of a configuration as they are kept, each with an ID. Raises InvalidArgument and its like."""
    entries = [{"ID": new_id(), **entry} for entry in configuration.get("Rules") or ()]
    if not entries:
        raise malformed()
    if len(entries) > MOST_RULES:
        raise invalid_request(f"The number of lifecycle rules must not exceed the allowed limit of {MOST_RULES} rules")
    if len({entry["ID"] for entry in entries}) < len(entries):
        raise invalid_argument("Rule ID must be unique. Found same ID for more than one rule")
    for entry in entries:
        _rule(entry)
    return entries


def rules_of(entries: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """The rules that are enabled."""
    return [_rule(entry) for entry in entries if entry["Status"] == "Enabled"]


def _rule(entry: Mapping[str, Any]) -> Rule:
    if any(entry.get(name) for name in TRANSITIONS):
        raise not_implemented("Moving objects to other storage classes (Transition)")
    if len(entry["ID"]) > LONGEST_ID:
        raise invalid_argument(f"ID length should not exceed allowed limit of {LONGEST_ID}")
    if entry.get("Status") not in ("Enabled", "Disabled"):
        raise malformed()
    about = _filter(entry)
    expiration = entry.get("Expiration")
    noncurrent, aborting = entry.get("NoncurrentVersionExpiration"), entry.get("AbortIncompleteMultipartUpload")
    if expiration is None and noncurrent is None and aborting is None:
        raise invalid_request("At least one action needs to be specified in a rule")
    columns = _expiration(expiration, about) if expiration is not None else {}
    if noncurrent is not None:
        columns["noncurrent_days"] = _days(noncurrent, "NoncurrentDays", "NoncurrentVersionExpiration")
        columns["kept"] = _kept(noncurrent)
    if aborting is not None:
        name = "AbortIncompleteMultipartUpload"
        _without_details(about, name)
        columns["abort_days"] = _days(aborting, "DaysAfterInitiation", name)
    return Rule(entry["ID"], about, **columns)


def _filter(entry: Mapping[str, Any]) -> Filter:
    if ("Prefix" in entry) == ("Filter" in entry):
        raise malformed()
    if "Prefix" in entry:
        return Filter(entry["Prefix"] or "")
    named = entry["Filter"] or {}
    if len(named) > 1:
        raise malformed()
    inner = named.get("And") or named
    tags = inner.get("Tags") or ([inner["Tag"]] if "Tag" in inner else [])
    found = {tag["Key"]: tag["Value"] for tag in tags}
    if len(found) < len(tags):
        raise invalid_request("Duplicate Tag Keys are not allowed.")
    over, under = (inner.get(name) for name in SIZES)
    if over is not None and under is not None and under <= over:
        raise invalid_request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
    return Filter(inner.get("Prefix") or "", found, over, under)


def _expiration(named: Mapping[str, Any], about: Filter) -> dict[str, Any]:
    if len(named) != 1:
        raise malformed()
    if "ExpiredObjectDeleteMarker" in named:
        _without_details(about, "ExpiredObjectDeleteMarker")
        return {"lone_markers": bool(named["ExpiredObjectDeleteMarker"])}
    if "Days" in named:
        return {"days": _days(named, "Days", "Expiration")}
    date_ms = int(moment_of(named["Date"]).timestamp() * 1000)
    if date_ms % DAY_MS:
        raise invalid_argument("'Date' must be at midnight GMT")
    return {"date_ms": date_ms}


def moment_of(date: Any) -> datetime:
    """A date as the wire gives it, or as it is kept."""
    return date.astimezone(UTC) if isinstance(date, datetime) else datetime.fromisoformat(date)


def _days(named: Mapping[str, Any], member: str, action: str) -> int:
    days = named.get(member)
    if days is None:
        raise malformed()
    if not 0 < days < 2**31:
        raise invalid_argument(f"'{member}' for {action} action must be a positive integer")
    return int(days)


def _kept(named: Mapping[str, Any]) -> int:
    kept = named.get("NewerNoncurrentVersions")
    if kept is not None and not 0 < kept <= MOST_KEPT:
        raise invalid_argument(f"'NewerNoncurrentVersions' must be between 1 and {MOST_KEPT}")
    return kept or 0


def _without_details(about: Filter, action: str) -> None:
    if about.tags:
        raise S3Error("InvalidRequest", 400, f"{action} cannot be specified with Tags.")
    if about.over_bytes is not None or about.under_bytes is not None:
        raise S3Error("InvalidRequest", 400, f"{action} cannot be specified with object size.")
