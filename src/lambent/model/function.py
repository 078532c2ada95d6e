"""A function as the data plane sees it: everything an invocation needs, nothing else.

`services.lambda_` owns functions and makes these values; edges cache them, and control
invalidates the copies before it acknowledges a change.
"""

from msgspec import Struct


class FunctionKey(Struct, frozen=True):
    """Which function: account and Region are part of every key."""

    account: str
    region: str
    name: str

    @property
    def place(self) -> tuple[str, str]:
        """Whose limits hold for it: its account and Region."""
        return self.account, self.region


class FunctionSnapshot(Struct, frozen=True):
    """One version of a function, ready to be invoked.

    `environment_key` is a hash over code and configuration: an environment serves exactly the
    snapshots that carry the key it was made with. `invoked_arn` is the ARN as the caller
    addressed it (with the qualifier, if one was given). `refusal` is set when the state of the
    function forbids invoking: the ResourceConflictException message to answer with; `not_ready` when that is
    because the version is being initialised for its snapshot. `active_tracing`: it decides which requests are traced.
    `guarded`: its resource policy denies something, so that its own account's callers have to be judged.
    """

    key: FunctionKey
    version: str
    invoked_arn: str
    environment_key: str
    runtime: str
    handler: str
    timeout_s: int
    memory_mb: int
    ephemeral_mb: int
    role: str
    log_group: str
    revision_id: str
    reserved_concurrency: int | None = None
    refusal: str = ""
    recursion_allowed: bool = False
    system_log_level: str = ""  # of logs in JSON; "" for text
    other: "FunctionSnapshot | None" = None
    other_weight: float = 0.0
    not_ready: bool = False
    active_tracing: bool = False
    guarded: bool = False
