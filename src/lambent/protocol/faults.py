"""Error answers: what the model and the protocols say about one ServiceError.

Knows: the modelled error shapes, found by their name or by the code that the query protocol uses;
their status, their message member, whose fault it is. Does not know how a protocol writes them.

Source: `error` (`code`, `httpStatusCode`, `senderFault`) and `fault` traits of botocore's models. SQS's
query codes and statuses are no longer in its model; they are those of the `awsQueryError` traits of
AWS's Smithy model of SQS, and of the SQS API reference, "Common errors" and each action's "Errors".
"""

from typing import Any

from botocore.model import ServiceModel, Shape
from msgspec import Struct

from lambent.errors import Fault, ServiceError
from lambent.protocol.models import members_of

SQS = "AWS.SimpleQueueService."
# shape -> (query code, status)
SQS_QUERY_ERRORS = {
    "BatchEntryIdsNotDistinct": (SQS + "BatchEntryIdsNotDistinct", 400),
    "BatchRequestTooLong": (SQS + "BatchRequestTooLong", 400),
    "EmptyBatchRequest": (SQS + "EmptyBatchRequest", 400),
    "InvalidAddress": ("InvalidAddress", 404),
    "InvalidBatchEntryId": (SQS + "InvalidBatchEntryId", 400),
    "InvalidSecurity": ("InvalidSecurity", 403),
    "KmsAccessDenied": ("KMS.AccessDeniedException", 400),
    "KmsDisabled": ("KMS.DisabledException", 400),
    "KmsInvalidKeyUsage": ("KMS.InvalidKeyUsageException", 400),
    "KmsInvalidState": ("KMS.InvalidStateException", 400),
    "KmsNotFound": ("KMS.NotFoundException", 400),
    "KmsOptInRequired": ("KMS.OptInRequired", 403),
    "KmsThrottled": ("KMS.ThrottlingException", 400),
    "MessageNotInflight": (SQS + "MessageNotInflight", 400),
    "OverLimit": ("OverLimit", 403),
    "PurgeQueueInProgress": (SQS + "PurgeQueueInProgress", 403),
    "QueueDeletedRecently": (SQS + "QueueDeletedRecently", 400),
    "QueueDoesNotExist": (SQS + "NonExistentQueue", 400),
    "QueueNameExists": ("QueueAlreadyExists", 400),
    "ReceiptHandleIsInvalid": ("ReceiptHandleIsInvalid", 404),
    "RequestThrottled": ("RequestThrottled", 403),
    "ResourceNotFoundException": ("ResourceNotFoundException", 404),
    "TooManyEntriesInBatchRequest": (SQS + "TooManyEntriesInBatchRequest", 400),
    "UnsupportedOperation": (SQS + "UnsupportedOperation", 400),
}


class FaultForm(Struct, frozen=True):
    """One error as an answer shows it. `shape` is None for codes that the model lacks."""

    name: str
    query_code: str
    status: int
    message_key: str
    sender: bool
    typed: bool = False
    shape: Shape | None = None
    modelled: frozenset[str] = frozenset()

    def members(self, error: ServiceError) -> dict[str, Any]:
        """The further members that the shape knows and the error carries."""
        return {name: value for name, value in error.members.items() if name in self.modelled and value is not None}


class FaultIndex:
    """All errors of one model."""

    def __init__(self, model: ServiceModel) -> None:
        self._service = model.service_name
        self._shapes: dict[str, Shape] = {}
        by_query_code: dict[str, Shape] = {}
        for shape in model.error_shapes:
            self._shapes[shape.name] = shape
            by_query_code.setdefault(self._query_code(shape), shape)
        self._shapes = {**by_query_code, **self._shapes}

    def form_of(self, error: ServiceError) -> FaultForm:
        """How `error` is answered: by the model where it knows the code, else by the error's own status."""
        shape = self._shapes.get(error.code)
        if shape is None:
            sender = error.status < 500 and error.fault is not Fault.PLATFORM
            return FaultForm(error.code, error.code, error.status, "message", sender)
        members = members_of(shape)
        status = self._status(shape) or (500 if shape.metadata.get("fault") else error.status)
        return FaultForm(
            name=shape.name,
            query_code=self._query_code(shape),
            status=status,
            message_key=next((name for name in members if name.lower() == "message"), "message"),
            sender=status < 500,
            typed="Type" in members,
            shape=shape,
            modelled=frozenset(members),
        )

    def _query_code(self, shape: Shape) -> str:
        if self._service == "sqs" and shape.name in SQS_QUERY_ERRORS:
            return SQS_QUERY_ERRORS[shape.name][0]
        code: str = shape.metadata.get("error", {}).get("code", shape.name)
        return code

    def _status(self, shape: Shape) -> int | None:
        if self._service == "sqs" and shape.name in SQS_QUERY_ERRORS:
            return SQS_QUERY_ERRORS[shape.name][1]
        status: int | None = shape.metadata.get("error", {}).get("httpStatusCode")
        return status
