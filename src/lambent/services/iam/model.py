"""IAM's records, and how each looks in an answer.

Sources: IAM API Reference, "Data types" (User, Role, Policy); IAM User Guide, "IAM identifiers"
(unique ids and their prefixes). Policy documents are URL-encoded in answers (RFC 3986), as the
reference says of GetRole and its like.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import Struct, json

from lambent.store.api import Row

Tags = dict[str, str]


class User(Struct, frozen=True):
    """A person or program with long-lived keys."""

    KIND: ClassVar[str] = "user"

    account: str
    name: str
    path: str
    user_id: str
    created_ms: int
    tags: Tags

    @property
    def id(self) -> str:
        """What inline policies and attachments refer to."""
        return self.user_id

    @property
    def arn(self) -> str:
        """`arn:aws:iam::ACCOUNT:user/PATH/NAME`."""
        return f"arn:aws:iam::{self.account}:user{self.path}{self.name}"

    def answer(self) -> dict[str, Any]:
        """The `User` of an answer."""
        return {
            "Path": self.path,
            "UserName": self.name,
            "UserId": self.user_id,
            "Arn": self.arn,
            "CreateDate": moment(self.created_ms),
        }


class Role(Struct, frozen=True):
    """An identity that is assumed for a time. `trust` says by whom, `max_session_s` how long."""

    KIND: ClassVar[str] = "role"

    account: str
    name: str
    path: str
    role_id: str
    trust: str
    description: str
    max_session_s: int
    created_ms: int
    tags: Tags

    @property
    def id(self) -> str:
        """What inline policies and attachments refer to."""
        return self.role_id

    @property
    def arn(self) -> str:
        """`arn:aws:iam::ACCOUNT:role/PATH/NAME`."""
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"

    def answer(self) -> dict[str, Any]:
        """The `Role` of an answer."""
        described = {"Description": self.description} if self.description else {}
        return {
            "Path": self.path,
            "RoleName": self.name,
            "RoleId": self.role_id,
            "Arn": self.arn,
            "CreateDate": moment(self.created_ms),
            "AssumeRolePolicyDocument": encoded(self.trust),
            "MaxSessionDuration": self.max_session_s,
            **described,
        }


class Policy(Struct, frozen=True):
    """A managed policy, the account's own or one of AWS's."""

    arn: str
    account: str
    name: str
    path: str
    policy_id: str
    description: str
    default_version: int
    last_version: int
    created_ms: int
    updated_ms: int
    tags: Tags

    def answer(self, attached: int) -> dict[str, Any]:
        """The `Policy` of an answer; `attached` counts the users and roles that have it."""
        return {
            "PolicyName": self.name,
            "PolicyId": self.policy_id,
            "Arn": self.arn,
            "Path": self.path,
            "DefaultVersionId": f"v{self.default_version}",
            "AttachmentCount": attached,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": True,
            "CreateDate": moment(self.created_ms),
            "UpdateDate": moment(self.updated_ms),
        }


Owner = User | Role


def user_of(row: Row) -> User:
    """The user in a row of `iam_users`."""
    return User(**{**row, "tags": json.decode(row["tags"])})


def role_of(row: Row) -> Role:
    """The role in a row of `iam_roles`."""
    return Role(**{**row, "tags": json.decode(row["tags"])})


def policy_of(row: Row) -> Policy:
    """The policy in a row of `iam_policies`."""
    return Policy(**{**row, "tags": json.decode(row["tags"])})


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as answers have them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def with_tags(answer: dict[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """`answer` with its tags, where there are any; lists leave them out."""
    return {**answer, "Tags": tag_list(tags)} if tags else answer


def encoded(document: str) -> str:
    """A policy document as answers have it."""
    return quote(document, safe="-_.~")


def moment(epoch_ms: int) -> datetime:
    """A point in time as answers have it: whole seconds."""
    return datetime.fromtimestamp(epoch_ms // 1000, UTC)
