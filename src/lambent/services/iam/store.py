"""What IAM's operations ask of the database: the rows of a transaction as IAM's records.

Knows: the statements in `sql/`, and what is missing or taken. Does not know: requests.
"""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from lambent.errors import ValidationError
from lambent.services.iam.errors import NoSuchEntity
from lambent.services.iam.managed import managed_policies
from lambent.services.iam.model import Owner, Policy, Role, User, policy_of, role_of, user_of
from lambent.services.operation import Request
from lambent.store.api import Database, Transaction
from lambent.store.sql import load_queries

T = TypeVar("T")
DEFAULT_PAGE = 100


class IamStore:
    """The tables of IAM. Methods that take a transaction belong inside `read` or `write`."""

    def __init__(self, database: Database) -> None:
        self.read, self.write = database.read, database.write
        self.sql = load_queries("lambent.services.iam")
        self._managed = managed_policies()

    def user(self, tx: Transaction, account: str, name: str) -> User:
        """The user called `name`. Raises NoSuchEntity."""
        row = tx.one(self.sql.user, account=account, name_key=name.lower())
        if row is None:
            raise NoSuchEntity(f"The user with name {name} cannot be found.")
        return user_of(row)

    def role(self, tx: Transaction, account: str, name: str) -> Role:
        """The role called `name`. Raises NoSuchEntity."""
        row = tx.one(self.sql.role, account=account, name_key=name.lower())
        if row is None:
            raise NoSuchEntity(f"The role with name {name} cannot be found.")
        return role_of(row)

    def owner(self, tx: Transaction, account: str, kind: str, name: str) -> Owner:
        """The user or role called `name`. Raises NoSuchEntity."""
        return self.user(tx, account, name) if kind == User.KIND else self.role(tx, account, name)

    def policy(self, tx: Transaction, account: str, arn: str) -> Policy:
        """The managed policy at `arn`, the account's own or AWS's. Raises NoSuchEntity."""
        if arn in self._managed:
            return self._managed[arn].policy
        row = tx.one(self.sql.policy, account=account, arn=arn)
        if row is None:
            raise NoSuchEntity(f"Policy {arn} does not exist or is not attachable.")
        return policy_of(row)

    def managed_document(self, arn: str) -> str | None:
        """The document of one of AWS's own policies, None for any other."""
        return self._managed[arn].document if arn in self._managed else None

    def policies(self, tx: Transaction, account: str, scope: str) -> list[Policy]:
        """All managed policies: `Local`, `AWS` or `All`."""
        local = [policy_of(row) for row in tx.all(self.sql.policies, account=account)] if scope != "AWS" else []
        aws = [managed.policy for managed in self._managed.values()] if scope != "Local" else []
        return local + aws

    def attachment_counts(self, tx: Transaction, account: str) -> Mapping[str, int]:
        """How many users and roles have each policy, by its ARN; those with none are not there."""
        return {row["policy_arn"]: row["number"] for row in tx.all(self.sql.attachment_counts, account=account)}


class Page:
    """What a listing asks for: `limit` items after `after`."""

    def __init__(self, request: Request) -> None:
        self.limit: int = request.get("MaxItems", DEFAULT_PAGE)
        self.after = _unmarked(request["Marker"]) if "Marker" in request else ""

    @property
    def window(self) -> dict[str, Any]:
        """Parameters for a statement; one row more than asked for shows whether there are more."""
        return {"after": self.after, "limit": self.limit + 1}

    def answer(self, name: str, rows: Sequence[T], key: Callable[[T], str], show: Callable[[T], Any]) -> dict[str, Any]:
        """The answer from rows that a statement found in this window."""
        kept = rows[: self.limit]
        answer: dict[str, Any] = {name: [show(row) for row in kept], "IsTruncated": len(rows) > len(kept)}
        if answer["IsTruncated"]:
            answer["Marker"] = urlsafe_b64encode(key(kept[-1]).encode()).decode()
        return answer

    def cut(self, name: str, items: Sequence[T], key: Callable[[T], str], show: Callable[[T], Any]) -> dict[str, Any]:
        """The answer from all items there are, in any order."""
        rest = sorted((item for item in items if key(item) > self.after), key=key)
        return self.answer(name, rest, key, show)


def _unmarked(marker: str) -> str:
    try:
        return b64decode(marker.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:  # binascii.Error and UnicodeDecodeError are ValueErrors
        raise ValidationError(f"Invalid Marker: {marker}") from None
