"""Which records of a batch failed, by what the function answered. Pure.

Source: Lambda Developer Guide, "Reporting batch item failures" ("Success and failure conditions"). That an identifier
which was not in the batch fails all of it is said there for SQS. An answer that is JSON but no object counts as wrong.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from lambent.model.invocation import InvocationResult


def failed_ids(result: InvocationResult, ids: Collection[str], *, reports_failures: bool) -> set[str]:
    """The records that have to come again; all of `ids` when the function failed or its report cannot be read."""
    everything = set(ids)
    if result.function_error:
        return everything
    if not reports_failures:
        return set()
    named = _named(result.payload)
    return everything if named is None or not named <= everything else named


def _named(payload: bytes) -> set[str] | None:
    """The identifiers of a report; None when it is wrong."""
    try:
        answer: Any = msgspec.json.decode(payload) if payload else None
    except (ValueError, RecursionError):
        return None
    if answer is None:
        return set()
    items = answer.get("batchItemFailures", []) if isinstance(answer, dict) else answer
    if items is None:
        return set()
    if not isinstance(items, list) or not isinstance(answer, dict):
        return None
    named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in items]
    good = {name for name in named if isinstance(name, str) and name}
    return good if all(isinstance(name, str) and name for name in named) else None
