"""The trace header (X-Amzn-Trace-Id): made where none comes, and decided where nobody has. Pure.

`Root=1-8 digits-24 digits;Parent=16 digits;Sampled=0|1`, and what else others put there. Sampled says whether this
request is to be traced; whoever is first decides, and all others hold to it.

Source: AWS X-Ray Developer Guide, "X-Ray concepts" (the form; `Sampled=?` asks for a decision).
"""

import re

SAMPLED = re.compile(r"(?:^|;)\s*Sampled=([01])", re.IGNORECASE)
_QUESTION = re.compile(r";?\s*Sampled=[^;]*", re.IGNORECASE)
_PARENT = re.compile(r"(?:^|;)\s*Parent=([0-9a-f]{16})", re.IGNORECASE)
_ROOT = re.compile(r"(?:^|;)\s*Root=([^;]+)", re.IGNORECASE)


def new_trace(request_id: str) -> str:
    """A trace header for a request that came without one; whether it is sampled its function decides."""
    digits = request_id.replace("-", "")
    return f"Root=1-{digits[:8]}-{digits[8:]}"


def is_decided(header: str) -> bool:
    """Whether who came before has said if this request is traced."""
    return SAMPLED.search(header) is not None


def decided(header: str, request_id: str, *, sampled: bool) -> str:
    """An undecided header with the decision, and with a number for the function's own part of a new trace."""
    begin = _QUESTION.sub("", header) or new_trace(request_id)
    if _PARENT.search(begin) is None:
        begin += f";Parent={request_id.replace('-', '')[-16:]}"
    return f"{begin};Sampled={int(sampled)}"


def unsampled(header: str) -> str:
    """The header for a function that decides nothing: a request is only traced if who came before has said so."""
    return f"{header};Sampled=0" if header and "ampled=" not in header else header


def traced(header: str) -> tuple[str, str] | None:
    """Trace and parent of a request that is sampled; None for others."""
    found, root, parent = SAMPLED.search(header), _ROOT.search(header), _PARENT.search(header)
    if found is None or found[1] != "1" or root is None:
        return None
    return root[1], parent[1] if parent is not None else ""
