"""Hosts that name one thing: a function URL, an API or a bucket. Pure.

Browsers keep what servers of one host may share (cookies, scripts, storage) from all other hosts. So below such a host
there is that thing only: a path that would lead to somebody else's function or API elsewhere is an ordinary path there.

Source: RFC 6454, "The Web Origin Concept"; the forms of the hosts are AWS's.
"""

import re

_ONE_THING = re.compile(r"\.(?:lambda-url|execute-api|s3(?:[.-][a-z0-9-]+)*)\.", re.IGNORECASE)


def names_one_thing(host: str) -> bool:
    """Whether a Host header does. A custom domain name does too, which only its owner's stage can tell."""
    return _ONE_THING.search(host) is not None
