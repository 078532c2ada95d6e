"""Names of tables, and the ARNs of tables, indexes and streams.

Source: DynamoDB API reference, `TableArn` ("the name, or the ARN, of the table"); Service Authorization Reference,
"Resource types defined by Amazon DynamoDB".
"""

import re

from msgspec import Struct

from lambent.arn import make_arn, parse_arn
from lambent.errors import AccessDenied
from lambent.services.dynamodb.errors import invalid
from lambent.services.operation import RequestContext

NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")


class TableKey(Struct, frozen=True):
    """Which table of all accounts and Regions."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return make_arn("dynamodb", self.region, self.account, f"table/{self.name}")


def check_name(name: str, member: str) -> None:
    """Raises ValidationError for a name that no table or index can have."""
    if not NAME.fullmatch(name):
        raise invalid(
            f"{member} must be at least 3 characters long and at most 255 characters long"
            if not 3 <= len(name) <= 255
            else f"1 validation error detected: Value '{name}' at '{member[0].lower()}{member[1:]}' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )


def table_key(ctx: RequestContext, name: str) -> TableKey:
    """The table that a TableName names, by its name or its ARN.

    Raises:
        AccessDenied: it belongs to another account.
        ValidationError: it is no name and no ARN.
    """
    if name.startswith("arn:"):
        return key_of_arn(ctx, name)
    check_name(name, "TableName")
    return TableKey(ctx.account, ctx.region, name)


def key_of_arn(ctx: RequestContext, arn: str) -> TableKey:
    """The table of a table's ARN. Raises ValidationError and AccessDenied as `table_key` does."""
    try:
        parsed = parse_arn(arn)
    except ValueError:
        raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}") from None
    kind, _, name = parsed.resource.partition("/")
    if parsed.service != "dynamodb" or kind != "table" or not NAME.fullmatch(name):
        raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    if parsed.account != ctx.account:
        raise AccessDenied(f"{ctx.principal.arn} is not authorized to use {arn}: it belongs to another account")
    return TableKey(parsed.account, parsed.region, name)
