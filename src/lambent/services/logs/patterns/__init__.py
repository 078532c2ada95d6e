"""Filter patterns: the small language of FilterLogEvents, compiled to a test of one message. Pure.

Three languages, told apart by the first character: `{...}` for events that are JSON, `[...]` for
events whose fields stand between spaces, anything else for terms. Every pattern is matched in time
that grows with the length of the message only. For that reason, regular expressions (`%...%`) are
refused by name: Python's matcher can be made to run for hours, in a process that serves everybody.

Source: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription
filters, filter log events, and Live Tail"; the messages of refusals, from error reports in public
repositories.
"""

from lambent.services.logs.patterns.common import InvalidPattern, Matcher, always
from lambent.services.logs.patterns.fields import compile_fields
from lambent.services.logs.patterns.json_events import compile_json
from lambent.services.logs.patterns.terms import compile_terms

__all__ = ["InvalidPattern", "Matcher", "compile_pattern"]


def compile_pattern(text: str) -> Matcher:
    """A function that tells whether a message matches. An empty pattern matches everything.

    Raises:
        InvalidPattern: `text` is not a filter pattern.
    """
    pattern = text.strip()
    if not pattern:
        return always
    if pattern.startswith("{"):
        return compile_json(pattern)
    if pattern.startswith("["):
        return compile_fields(pattern)
    return compile_terms(pattern)
