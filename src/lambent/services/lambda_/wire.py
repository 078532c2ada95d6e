"""Records in the form of the API: the FunctionConfiguration object.

Source: Lambda service model (FunctionConfiguration); recordings of the real service (behaviours section 4).
"""

import base64

from lambent.clock import iso_millis
from lambent.model.function_name import function_arn
from lambent.model.runtime_version import runtime_version_arn
from lambent.services.lambda_.model import IMAGE, Configuration, State, Update, Version
from lambent.services.lambda_.states import CREATING_CODE, CREATING_REASON, FAILURE_CODE
from lambent.services.operation import Answer


def configuration(version: Version, qualifier: str = "") -> Answer:
    """The whole object; its ARN ends in `qualifier`, which is how the caller asked."""
    return {**listed(version, qualifier), **_state(version), **_last_update(version)}


def listed(version: Version, qualifier: str = "") -> Answer:
    """The object as lists show it: without states (a documented caveat of AWS's lists)."""
    wanted = version.configuration
    answer: Answer = {
        "FunctionName": version.key.name,
        "FunctionArn": function_arn(version.key, qualifier),
        "Role": wanted.role,
        "CodeSize": version.code_bytes,
        "Description": wanted.description,
        "Timeout": wanted.timeout_s,
        "MemorySize": wanted.memory_mb,
        "LastModified": iso_millis(version.modified_ms),
        "CodeSha256": code_sha256_of(version),
        "Version": version.name,
        "TracingConfig": {"Mode": "Active" if wanted.active_tracing else "PassThrough"},
        "RevisionId": version.revision_id,
        "PackageType": wanted.package_type,
        "Architectures": [wanted.architecture],
        "EphemeralStorage": {"Size": wanted.ephemeral_mb},
        "SnapStart": _snap_start(version),
        "LoggingConfig": _logging(wanted),
        **(_of_image(wanted) if wanted.package_type == IMAGE else _of_zip(wanted, version.key.region)),
    }
    if wanted.dead_letter:
        answer["DeadLetterConfig"] = {"TargetArn": wanted.dead_letter}
    if wanted.layers:
        answer["Layers"] = [{"Arn": layer.arn, "CodeSize": layer.code_bytes} for layer in wanted.layers]
    if wanted.file_system:
        answer["FileSystemConfigs"] = [{"Arn": wanted.file_system.arn, "LocalMountPath": wanted.file_system.path}]
    if wanted.variables is not None:
        answer["Environment"] = {"Variables": wanted.variables}
    return answer


def _of_zip(wanted: Configuration, region: str) -> Answer:
    return {
        "Runtime": wanted.runtime,
        "Handler": wanted.handler,
        "RuntimeVersionConfig": {"RuntimeVersionArn": runtime_version_arn(wanted.runtime, region)},
    }


def _of_image(wanted: Configuration) -> Answer:
    over = wanted.image_overrides
    if over is None:
        return {}
    told = {
        "EntryPoint": list(over.entry_point),
        "Command": list(over.command),
        "WorkingDirectory": over.working_directory,
    }
    return {"ImageConfigResponse": {"ImageConfig": {name: value for name, value in told.items() if value}}}


def _snap_start(version: Version) -> Answer:
    on = version.snapshotted and version.state is State.ACTIVE
    return {
        "ApplyOn": "PublishedVersions" if version.configuration.snap_start else "None",
        "OptimizationStatus": "On" if on else "Off",
    }


def _logging(wanted: Configuration) -> Answer:
    answer = {"LogFormat": wanted.log_format, "LogGroup": wanted.log_group}
    if wanted.log_format == "JSON":
        answer |= {"ApplicationLogLevel": wanted.application_log_level, "SystemLogLevel": wanted.system_log_level}
    return answer


def code_sha256_of(version: Version) -> str:
    """A zip's in base64; an image's in hexadecimal digits, also of one that is on its way."""
    image = version.coming or version.image
    return code_sha256(version.code) if image is None else image.digest


def code_sha256(digest: str) -> str:
    """The zip's SHA-256 as AWS writes it."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _state(version: Version) -> Answer:
    answer = {"State": version.state.value}
    if version.state is State.PENDING:
        answer |= {"StateReason": CREATING_REASON, "StateReasonCode": CREATING_CODE}
    if version.state is State.FAILED:
        answer |= {"StateReason": version.failure, "StateReasonCode": version.failure_code or FAILURE_CODE}
    return answer


def _last_update(version: Version) -> Answer:
    if version.update is Update.NONE:
        return {}
    answer = {"LastUpdateStatus": version.update.value}
    if version.update is Update.IN_PROGRESS:
        answer |= {"LastUpdateStatusReason": CREATING_REASON, "LastUpdateStatusReasonCode": CREATING_CODE}
    if version.update is Update.FAILED:
        answer |= {
            "LastUpdateStatusReason": version.failure,
            "LastUpdateStatusReasonCode": version.failure_code or FAILURE_CODE,
        }
    return answer
