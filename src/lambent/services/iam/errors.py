"""IAM's errors, by the names of their shapes in botocore's `iam` model, which has the statuses."""

from lambent.errors import ServiceError


class NoSuchEntity(ServiceError):
    """The user, role, policy or key is not there."""

    code, status = "NoSuchEntityException", 404


class EntityAlreadyExists(ServiceError):
    """Something of that name is there already."""

    code, status = "EntityAlreadyExistsException", 409


class MalformedPolicyDocument(ServiceError):
    """The policy breaks the grammar."""

    code = "MalformedPolicyDocumentException"


class DeleteConflict(ServiceError):
    """What is to be deleted still has something."""

    code, status = "DeleteConflictException", 409


class LimitExceeded(ServiceError):
    """A quota of IAM is spent."""

    code, status = "LimitExceededException", 409


class InvalidInput(ServiceError):
    """A value is not possible here."""

    code = "InvalidInputException"
