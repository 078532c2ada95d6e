"""What S3 refuses, under the codes of its API.

Source: S3 API reference, "Error responses", list of error codes; the model's error shapes.
"""

from typing import Any

from lambent.errors import ServiceError


class S3Error(ServiceError):
    """An error of S3's."""

    def __init__(self, code: str, status: int, message: str, **members: Any) -> None:
        super().__init__(message, **members)
        self.code, self.status = code, status


def access_denied(message: str = "Access Denied") -> S3Error:
    return S3Error("AccessDenied", 403, message)


def no_such_bucket(name: str) -> S3Error:
    return S3Error("NoSuchBucket", 404, "The specified bucket does not exist", BucketName=name)


def no_such_key(key: str) -> S3Error:
    return S3Error("NoSuchKey", 404, "The specified key does not exist.", Key=key)


def no_such_version(key: str, version: str) -> S3Error:
    return S3Error("NoSuchVersion", 404, "The specified version does not exist.", Key=key, VersionId=version)


def no_such_upload(upload_id: str) -> S3Error:
    message = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed."
    )
    return S3Error("NoSuchUpload", 404, message, UploadId=upload_id)


def invalid_argument(message: str, name: str = "", value: str = "") -> S3Error:
    members = {"ArgumentName": name, "ArgumentValue": value} if name else {}
    return S3Error("InvalidArgument", 400, message, **members)


def invalid_request(message: str) -> S3Error:
    return S3Error("InvalidRequest", 400, message)


def malformed(message: str = "") -> S3Error:
    words = "The XML you provided was not well-formed or did not validate against our published schema"
    return S3Error("MalformedXML", 400, message or words)


def precondition_failed(condition: str) -> S3Error:
    message = "At least one of the pre-conditions you specified did not hold"
    return S3Error("PreconditionFailed", 412, message, Condition=condition)


def conflict(condition: str, key: str) -> S3Error:
    message = "The conditional request cannot succeed due to a conflicting operation against this resource."
    return S3Error("ConditionalRequestConflict", 409, message, Condition=condition, Key=key)


def not_implemented(what: str) -> S3Error:
    return S3Error("NotImplemented", 501, f"{what} is not implemented by this version of Lambent.")


def method_not_allowed(resource: str) -> S3Error:
    message = "The specified method is not allowed against this resource."
    return S3Error("MethodNotAllowed", 405, message, ResourceType=resource)
