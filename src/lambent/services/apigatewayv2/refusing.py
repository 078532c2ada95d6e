"""What a caller asks for and Lambent does not carry out is refused by name."""

from typing import NoReturn

from lambent.services.apigatewayv2.errors import BadRequest


def refuse(what: str, where: str, instead: str = "") -> NoReturn:
    """Raises BadRequest."""
    raise BadRequest(f"{what} is not supported {where}.{' ' if instead else ''}{instead}")
