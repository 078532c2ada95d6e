"""The trace header (X-Amzn-Trace-Id): made where none comes, and decided where nobody has. Pure.

`Root=1-8 digits-24 digits;Parent=16 digits;Sampled=0|1`, and what else others put there. The 8 digits are the seconds
since the epoch at which the trace began: X-Ray refuses traces of another time. Sampled says whether this
request is to be traced; whoever is first decides, and all others hold to it.

Source: AWS X-Ray Developer Guide, "X-Ray concepts" (the form; `Sampled=?` asks for a decision).
"""

import re

SAMPLED = re.compile(r"(?:^|;)\s*Sampled=([01])", re.IGNORECASE)
_QUESTION = re.compile(r";?\s*Sampled=[^;]*", re.IGNORECASE)
_PARENT = re.compile(r"(?:^|;)\s*Parent=([0-9a-f]{16})", re.IGNORECASE)
_ROOT = re.compile(r"(?:^|;)\s*Root=([^;]+)", re.IGNORECASE)


def new_trace(request_id: str, now_s: float) -> str:
    """A trace header for a request that came without one at that time; whether it is sampled its function decides."""
    return f"Root=1-{int(now_s):08x}-{request_id.replace('-', '')[8:]}"


def is_decided(header: str) -> bool:
    """Whether who came before has said if this request is traced."""
    return SAMPLED.search(header) is not None


def decided(header: str, request_id: str, now_s: float, *, sampled: bool) -> str:
    """An undecided header with the decision, and with a number for the function's own part of a new trace."""
    return f"{_whole(_QUESTION.sub('', header), request_id, now_s)};Sampled={int(sampled)}"


def carried(header: str, request_id: str, now_s: float) -> str:
    """The header for a function that decides nothing: a request is only traced if who came before has said so. Root
    and Parent are always there: libraries for tracing ignore a header that lacks one of them."""
    if "ampled=" in header and is_decided(header):
        return _whole(header, request_id, now_s)
    return decided(header, request_id, now_s, sampled=False)


def _whole(header: str, request_id: str, now_s: float) -> str:
    if "oot=" not in header:
        header = f"{new_trace(request_id, now_s)};{header}" if header else new_trace(request_id, now_s)
    return header if "arent=" in header else f"{header};Parent={request_id.replace('-', '')[-16:]}"


def traced(header: str) -> tuple[str, str] | None:
    """Trace and parent of a request that is sampled; None for others."""
    found, root, parent = SAMPLED.search(header), _ROOT.search(header), _PARENT.search(header)
    if found is None or found[1] != "1" or root is None:
        return None
    return root[1], "" if parent is None else parent[1]
