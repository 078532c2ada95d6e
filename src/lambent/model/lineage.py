"""Recursion: how often a function is in the chain of calls that led to an invocation. Pure.

The chain travels in the trace header that SDKs inside functions hand on, and that SQS and SNS keep:
`Root=...;Lineage=1:HHHHHHHH:N|HHHHHHHH:N`, a hash for each function and how often it was passed
after its first time.

Source: Lambda Developer Guide, "Use Lambda recursive loop detection to prevent infinite loops" (about
16 times); behaviours sections 8 and 18 (the form). The hash and the longest chain are our own.
"""

import hashlib
import re
from functools import lru_cache
from urllib.parse import unquote

from lambent.errors import ServiceError
from lambent.model.function import FunctionKey
from lambent.model.function_name import function_arn

MOST_PASSES = 16
LONGEST = 24  # functions in a chain; the header stays below the length that is handed on
LINEAGE = re.compile(r"(?:^|;)\s*Lineage=(?:\d+:)?((?:[0-9a-f]{8}:\d{1,6}\|?)+)", re.IGNORECASE)


class RecursiveInvocation(ServiceError):
    """The function is in a loop, and was told to stop in one."""

    code = "RecursiveInvocationException"

    def __init__(self) -> None:
        super().__init__(
            "Lambda has detected your function being invoked in a recursive loop with other AWS resources and "
            "stopped your function's invocation.",
            Type="User",
        )


def is_chained(trace_header: str) -> bool:
    """Whether the header tells of a chain; quick, for every invocation."""
    return "ineage=" in trace_header


def check(trace_header: str, key: FunctionKey) -> None:
    """Raises RecursiveInvocation when the function was in this chain too often."""
    if is_chained(trace_header) and passes(trace_header, key) >= MOST_PASSES:
        raise RecursiveInvocation


def passes(trace_header: str, key: FunctionKey) -> int:
    """How often the function was invoked before in the chain of this header."""
    return _chain(trace_header).get(_hash(key), -1) + 1


def extended(trace_header: str, key: FunctionKey) -> str:
    """The header that an invocation of the function hands on."""
    if not is_chained(trace_header):
        return f"{trace_header};Lineage=1:{_hash(key)}:0" if trace_header else f"Lineage=1:{_hash(key)}:0"
    header, chain = unquote(trace_header), _chain(trace_header)
    count = chain.pop(_hash(key), -1) + 1
    kept = list(chain.items())[-(LONGEST - 1) :]
    entries = "|".join(f"{name}:{number}" for name, number in [*kept, (_hash(key), count)])
    rest = LINEAGE.sub("", header)
    return f"{rest};Lineage=1:{entries}" if rest else f"Lineage=1:{entries}"


def _chain(trace_header: str) -> dict[str, int]:
    match = LINEAGE.search(unquote(trace_header))
    if match is None:
        return {}
    entries = (entry.split(":") for entry in match[1].strip("|").split("|") if entry)
    return {name.lower(): int(number) for name, number in entries}


@lru_cache(maxsize=4096)
def _hash(key: FunctionKey) -> str:
    return hashlib.sha256(function_arn(key).encode()).hexdigest()[:8]
