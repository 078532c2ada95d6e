"""What Scheduler answers when it refuses. Source: botocore's model `scheduler`; its own messages where known."""

from lambent.errors import ServiceError


class NotFound(ServiceError):
    """There is no such schedule or group."""

    code = "ResourceNotFoundException"


class Conflict(ServiceError):
    """The name is taken, or the client token was used for something else."""

    code = "ConflictException"


class QuotaExceeded(ServiceError):
    """A quota is used up."""

    code = "ServiceQuotaExceededException"
