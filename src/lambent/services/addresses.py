"""The addresses below this installation's own, such as those of function URLs and APIs.

An address leads back to the door that the caller of the operation used: `http://NAME.localhost:PORT`.
"""

import ipaddress
from urllib.parse import urlsplit


def address_below(name: str, endpoint: str, scheme: str = "") -> str:
    """Where the host `name` is reached by somebody who reaches us at `endpoint`; `scheme` "" for that of `endpoint`."""
    parts = urlsplit(endpoint)
    domain = parts.hostname or "localhost"
    port = f":{parts.port}" if parts.port else ""
    try:
        ipaddress.ip_address(domain)
        domain = "localhost"  # an address has no names below it
    except ValueError:
        pass
    return f"{scheme or parts.scheme or 'http'}://{name}.{domain}{port}"
