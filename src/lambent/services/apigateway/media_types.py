"""Media types: what a body is, and whether an API treats it as binary. Pure."""

import re

from lambent.services.apigateway.errors import BadRequest

FORM = re.compile(r"(?:\*|[A-Za-z0-9!#$&^_.+-]+)/(?:\*|[A-Za-z0-9!#$&^_.+-]+)")


def check_media_type(text: str) -> None:
    """Raises BadRequest."""
    if not FORM.fullmatch(text):
        raise BadRequest(f"Invalid media type: {text}")
