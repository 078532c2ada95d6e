"""The contract of this room.

`Iam` (service.py) owns users, access keys, roles and policies, each keyed by account; IAM knows no
Region. `Keys` (keys.py) is what the rest of the platform asks: which access key is this, may
Lambda assume this role, give me credentials for it. What IAM needs of the platform is `Doors`.
"""

from typing import Protocol

from msgspec import Struct


class Doors(Protocol):
    """Wherever access keys are remembered outside this room: the edges."""

    async def forget_access_keys(self, access_key_ids: list[str]) -> None:
        """Return once nobody believes in these any more. An empty list means all of them."""


class NoDoors:
    """For a platform whose edges remember nothing, and for tests."""

    async def forget_access_keys(self, access_key_ids: list[str]) -> None:
        """Nothing to do."""


class Quotas(Struct, frozen=True):
    """Limits with AWS's values. Source: IAM User Guide, "IAM and AWS STS quotas"."""

    access_keys_per_user: int = 2
    policies_per_role: int = 10
    policies_per_user: int = 10
    policy_versions: int = 5
    policy_chars: int = 6_144
    role_policies_chars: int = 10_240
    user_policies_chars: int = 2_048
    trust_chars: int = 2_048
    tags: int = 50
