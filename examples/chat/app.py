"""A chat that answers word by word, as server-sent events: what a page with an EventSource or `curl --no-buffer` shows.

    lambent deploy examples/chat --timeout 60
    aws lambda create-function-url-config --function-name chat --auth-type NONE --invoke-mode RESPONSE_STREAM
    aws lambda add-permission --function-name chat --statement-id public --principal '*' \
        --action lambda:InvokeFunctionUrl --function-url-auth-type NONE
    curl --no-buffer "$URL?say=hello"        # the FunctionUrl of the second command

`think` stands where a language model's stream would: anything that yields text as it is made.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

LONGEST = 2_000  # characters of what is said
PAUSE_S = 0.05  # a model needs its time
WORDS = re.compile(r"\S+\s*")


def handler(event: dict[str, Any], context: Any) -> Iterator[str | dict[str, Any]]:
    """Streams because it is a generator. The first thing yielded, a dict, is status and headers."""
    said = (event.get("queryStringParameters") or {}).get("say", "").strip()
    if not said or len(said) > LONGEST:
        yield {"statusCode": 400, "headers": {"Content-Type": "application/json"}}
        yield json.dumps({"message": f"say something, in up to {LONGEST} characters: ?say=hello"})
        return
    yield {"statusCode": 200, "headers": {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}}
    for number, word in enumerate(think(said)):
        yield server_sent(number, "word", word)
    yield server_sent(number + 1, "done", "")


def think(said: str) -> Iterator[str]:
    """The answer, word by word."""
    for word in WORDS.findall(f"You said: {said}"):
        yield word
        time.sleep(PAUSE_S)


def server_sent(number: int, kind: str, text: str) -> str:
    """One event of the text/event-stream format (HTML standard, "Server-sent events")."""
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(text)}\n\n"
