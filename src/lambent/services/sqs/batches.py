"""What all batch operations check about their entries, and how they tell of failures. Pure.

Source: SQS API reference, SendMessageBatch ("Errors"); the words as the service gives them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.errors import Fault, ServiceError
from lambent.services.sqs.errors import (
    BatchEntryIdsNotDistinct,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    TooManyEntriesInBatchRequest,
    missing,
)

MOST = 10
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")

Entry = Mapping[str, Any]


def checked_entries(entries: Sequence[Entry] | None, kind: str) -> Sequence[Entry]:
    """The entries, one to ten with good and distinct ids. `kind` is the entry's name in the model."""
    if not entries:
        raise EmptyBatchRequest(f"There should be at least one {kind} in the request.")
    if len(entries) > MOST:
        raise TooManyEntriesInBatchRequest(
            f"Maximum number of entries per request are {MOST}. You have sent {len(entries)}."
        )
    seen: set[str] = set()
    for entry in entries:
        name = entry.get("Id")
        if not name:
            raise missing(f"{kind}.Id")
        if not _ID.fullmatch(name):
            raise InvalidBatchEntryId(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
                "80 letters long."
            )
        if name in seen:
            raise BatchEntryIdsNotDistinct(f"Id {name} repeated.")
        seen.add(name)
    return entries


def failed(entry: Entry, error: ServiceError) -> dict[str, Any]:
    """How one entry's failure is told."""
    sender = error.fault is Fault.CALLER
    return {"Id": entry["Id"], "SenderFault": sender, "Code": error.code, "Message": error.message}


def told(entries: Sequence[Entry], errors: Sequence[ServiceError | None]) -> dict[str, list[dict[str, Any]]]:
    """The answer of a batch whose successes are told by their ids alone."""
    pairs = list(zip(entries, errors, strict=True))
    return {
        "Successful": [{"Id": entry["Id"]} for entry, error in pairs if error is None],
        "Failed": [failed(entry, error) for entry, error in pairs if error is not None],
    }
