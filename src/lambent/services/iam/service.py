"""IAM as the composition root makes it: its resources, each with its operations."""

from lambent.clock import Clock
from lambent.ids import Ids
from lambent.services.iam.access_keys import AccessKeys
from lambent.services.iam.account import Account
from lambent.services.iam.api import Doors, Quotas
from lambent.services.iam.attachments import Attachments
from lambent.services.iam.inline_policies import InlinePolicies
from lambent.services.iam.policies import Policies
from lambent.services.iam.resource import Resource
from lambent.services.iam.roles import Roles
from lambent.services.iam.store import IamStore
from lambent.services.iam.tags import ResourceTags
from lambent.services.iam.users import Users
from lambent.services.operation import Operation, operations_of
from lambent.vault import Vault

RESOURCES: tuple[type[Resource], ...] = (
    Users,
    AccessKeys,
    Roles,
    InlinePolicies,
    Policies,
    Attachments,
    ResourceTags,
    Account,
)


def iam_operations(
    store: IamStore, vault: Vault, clock: Clock, ids: Ids, doors: Doors, quotas: Quotas | None = None
) -> dict[str, Operation]:
    """All operations of IAM that Lambent carries out, by name."""
    made = [resource(store, vault, clock, ids, doors, quotas or Quotas()) for resource in RESOURCES]
    return operations_of(*made)
