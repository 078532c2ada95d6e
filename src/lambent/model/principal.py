"""Who makes a request, and the key they signed it with."""

from msgspec import Struct


class Principal(Struct, frozen=True):
    """The identity behind a verified signature.

    `arn` is what GetCallerIdentity answers: `arn:aws:iam::A:root`, `arn:aws:iam::A:user/N` or
    `arn:aws:sts::A:assumed-role/ROLE/SESSION`. `user_id` is its UserId.
    """

    account: str
    arn: str
    user_id: str


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
