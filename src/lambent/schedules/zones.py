"""Local times and moments. Pure."""

from datetime import UTC, datetime, tzinfo
from typing import TypeAlias

Zone: TypeAlias = tzinfo


def epoch_ms(local: datetime, zone: Zone) -> int | None:
    """The moment of a naive local time, the first one where it comes twice; None where it never comes."""
    moment = local.replace(tzinfo=zone, fold=0)
    if zone is not UTC and moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local:
        return None
    return round(moment.timestamp() * 1000)
