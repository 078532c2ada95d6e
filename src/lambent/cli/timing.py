"""What `lambent invoke --explain` shows: where the time of one invocation went.

Knows: the header that asks for it, and the one that answers (`Server-Timing`, milliseconds). Nothing here
refuses an unknown name: a newer server may know more stages.
"""

import re
from typing import Any

from msgspec import Struct
from rich.table import Table

ASK, ANSWER = "x-lambent-explain", "server-timing"
WORDS = {
    "queue": "waited for something else than its start",
    "placement": "limits and memory of the node",
    "sandbox": "namespaces, /proc, /tmp; little if ready-made",
    "fork": "forked from the runtime's zygote",
    "cgroup": "memory, CPU and process limits set",
    "mount": "code mounted, rights dropped, filters loaded",
    "between": "credentials, and messages between the parts",
    "init": "the runtime and the function's own init phase",
    "invoke": "the handler",
}
_SPAN = re.compile(r"\s*([a-z_]+);dur=([0-9.]+)\s*")


class Span(Struct, frozen=True):
    """One stage."""

    name: str
    took_ms: float


def ask(client: Any) -> None:
    """Have every Invoke of `client` ask for its times."""
    client.meta.events.register(
        "before-call.lambda.Invoke", lambda params, **_: params["headers"].update({ASK: "true"})
    )


def spans(header: str) -> list[Span]:
    """The stages that the answer's header names; what is no stage is passed over."""
    found = (_SPAN.fullmatch(each) for each in header.split(","))
    return [Span(each[1], float(each[2])) for each in found if each is not None]


def table(stages: list[Span]) -> Table:
    """Each stage with its share of the whole."""
    total_ms = sum(each.took_ms for each in stages)
    kind = "a cold start" if len(stages) > 1 else "a warm start: no environment had to be made"
    made = Table("stage", "ms", "share", "what", title=f"{total_ms:.2f} ms, {kind}", title_justify="left", box=None)
    for column in made.columns[1:3]:
        column.justify = "right"
    for each in stages:
        share = each.took_ms / total_ms if total_ms else 0.0
        made.add_row(each.name, f"{each.took_ms:.2f}", f"{share:.0%}", WORDS.get(each.name, ""))
    return made
