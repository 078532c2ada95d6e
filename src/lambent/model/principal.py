"""Who makes a request, and the key they signed it with."""

from msgspec import Struct


class Principal(Struct, frozen=True):
    """The identity behind a verified signature.

    `arn` is what GetCallerIdentity answers: `arn:aws:iam::A:root`, `arn:aws:iam::A:user/N` or
    `arn:aws:sts::A:assumed-role/ROLE/SESSION`. `user_id` is its UserId. `temporary` tells a session
    of a user from the user's own key, which STS treats differently. `role_arn` is the role's, for its sessions.
    """

    account: str
    arn: str
    user_id: str
    temporary: bool = False
    role_arn: str = ""

    @property
    def identity_arn(self) -> str:
        """What policies call aws:PrincipalArn: of a session, its role."""
        return self.role_arn or self.arn


class AccessKey(Struct, frozen=True):
    """An access key as the door needs it. `expires_s` is epoch seconds, 0 for a key that stays.

    `session_token` is empty for long-lived keys and must otherwise equal the request's.
    """

    access_key_id: str
    secret: str
    principal: Principal
    session_token: str = ""
    expires_s: float = 0.0
    active: bool = True


class TemporaryCredentials(Struct, frozen=True):
    """What STS hands out and an environment's variables carry. `expires_s` is epoch seconds."""

    access_key_id: str
    secret: str
    session_token: str
    expires_s: float
    principal: Principal


class AssumableRole(Struct, frozen=True):
    """A role as STS needs it. `trust_policy` is JSON, checked when IAM stored it."""

    arn: str
    account: str
    name: str
    role_id: str
    max_session_s: int
    trust_policy: str
