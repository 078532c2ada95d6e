"""What IAM's resources share: their parts, fresh ids, tags, and who is meant when no name is given."""

import re
from collections.abc import Mapping
from typing import Any

from lambent.clock import Clock
from lambent.errors import NotImplementedByLambent, ValidationError
from lambent.ids import Ids
from lambent.services.iam.api import Doors, Quotas
from lambent.services.iam.errors import InvalidInput, LimitExceeded
from lambent.services.iam.store import IamStore
from lambent.services.operation import Request, RequestContext
from lambent.vault import Vault

USER_ARN = re.compile(r"arn:aws:iam::\d{12}:user/(?:.*/)?([^/]+)")


class Resource:
    """The base of each resource's operations."""

    def __init__(self, store: IamStore, vault: Vault, clock: Clock, ids: Ids, doors: Doors, quotas: Quotas) -> None:
        self.store, self.vault, self.clock, self.ids = store, vault, clock, ids
        self.doors, self.quotas = doors, quotas

    def unique_id(self, prefix: str) -> str:
        """`AIDA`, `AROA` or `ANPA` and 17 characters. Source: IAM User Guide, "IAM identifiers"."""
        return prefix + self.ids.letters(17)

    def new_tags(self, request: Request) -> dict[str, str]:
        """The tags that a creation asks for. Raises InvalidInput, LimitExceeded."""
        return self.merged_tags({}, request.get("Tags", []))

    def merged_tags(self, old: Mapping[str, str], added: list[Mapping[str, str]]) -> dict[str, str]:
        """`old` with `added`; keys that differ only by case are one key, as IAM has it."""
        names = [tag["Key"].lower() for tag in added]
        if len(set(names)) != len(names):
            raise InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        if any(name.startswith("aws:") for name in names):
            raise InvalidInput("Tag keys that begin with aws: are reserved for AWS.")
        kept = {key: value for key, value in old.items() if key.lower() not in names}
        tags = kept | {tag["Key"]: tag["Value"] for tag in added}
        if len(tags) > self.quotas.tags:
            raise LimitExceeded(f"Cannot exceed quota for TagsPerResource: {self.quotas.tags}")
        return tags


def user_name(context: RequestContext, request: Request) -> str:
    """The `UserName` of the request, or else the user who asks. Raises ValidationError."""
    if "UserName" in request:
        return str(request["UserName"])
    match = USER_ARN.fullmatch(context.principal.arn)
    if match is None:
        raise ValidationError("Must specify userName when calling with non-User credentials")
    return match[1]


def refuse(request: Request, **reasons: str) -> None:
    """Members that are known but cannot be carried out are refused by name, never only stored."""
    for name, reason in reasons.items():
        if request.get(name):
            raise NotImplementedByLambent(f"{name} is not supported: {reason}")


def untagged(old: Mapping[str, str], keys: list[str]) -> dict[str, str]:
    """`old` without the tags called `keys`, whatever their case."""
    gone = {key.lower() for key in keys}
    return {key: value for key, value in old.items() if key.lower() not in gone}


BOUNDARY = {"PermissionsBoundary": "permissions boundaries are not enforced yet."}
Members = dict[str, Any]
