"""What DynamoDB answers when it refuses, in AWS's words.

Sources: botocore's models `dynamodb` and `dynamodbstreams` for the codes; Developer Guide, "Error handling with
DynamoDB"; the words as the service gives them, from error reports in public repositories and as DynamoDB Local has
them.
"""

from collections.abc import Mapping, Sequence

from lambent.errors import ServiceError, ValidationError


class ExpressionError(ValidationError):
    """An expression is wrong; `Invalid ConditionExpression: ` or the like has still to stand before the message."""


class TableNotFound(ServiceError):
    """There is no such table, index or stream."""

    code = "ResourceNotFoundException"


class TableInUse(ServiceError):
    """The table exists already, or is not in a state that allows this."""

    code = "ResourceInUseException"


class LimitExceeded(ServiceError):
    """A quota of tables, indexes or shard readers is reached."""

    code = "LimitExceededException"


class ConditionalCheckFailed(ServiceError):
    """The condition of a write does not hold. `examined_bytes`: the item's, which the write costs all the same."""

    code = "ConditionalCheckFailedException"
    examined_bytes = 0


class TransactionCanceled(ServiceError):
    """Nothing of a transaction was done; `CancellationReasons` says why, action by action. `examined_bytes`: of each
    action its item's, which it costs all the same."""

    code = "TransactionCanceledException"
    examined_bytes: Sequence[int] = ()


class IdempotentParameterMismatch(ServiceError):
    """A ClientRequestToken was used before, for another transaction."""

    code = "IdempotentParameterMismatchException"


class ThroughputExceeded(ServiceError):
    """A table or an index has spent its provisioned capacity."""

    code = "ProvisionedThroughputExceededException"


class ExpiredIterator(ServiceError):
    """A shard iterator is older than 15 minutes."""

    code = "ExpiredIteratorException"


class TrimmedDataAccess(ServiceError):
    """What a shard iterator would begin with is older than 24 hours."""

    code = "TrimmedDataAccessException"


def invalid(message: str) -> ValidationError:
    """A ValidationException."""
    return ValidationError(message)


def wrong_parameters(message: str) -> ValidationError:
    """`One or more parameter values were invalid: ...`"""
    return ValidationError(f"One or more parameter values were invalid: {message}")


def no_table(name: str = "") -> TableNotFound:
    return TableNotFound(
        f"Requested resource not found: Table: {name} not found" if name else "Requested resource not found"
    )


def condition_failed(examined_bytes: int, item: object = None) -> ConditionalCheckFailed:
    """The condition of a write does not hold; `item` is shown where the caller asked for it."""
    error = ConditionalCheckFailed("The conditional request failed", Item=item)
    error.examined_bytes = examined_bytes
    return error


def transaction_canceled(
    codes: str, reasons: Sequence[Mapping[str, object]], examined_bytes: Sequence[int]
) -> TransactionCanceled:
    """Nothing of a transaction was done, for these reasons."""
    words = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    error = TransactionCanceled(words, CancellationReasons=reasons)
    error.examined_bytes = examined_bytes
    return error
