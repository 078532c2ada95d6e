"""SnapStart: which functions may have it, and what a version's one init phase means for its state.

Source: Lambda Developer Guide, "Improving startup performance with Lambda SnapStart" (supported
runtimes; not with more than 512 MB of /tmp, nor with provisioned concurrency); Lambda service model
(StateReasonCode). The texts but that about runtimes are our own.
"""

import re

from lambent.model.messages import SnapshotTaken
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.model import IMAGE, Configuration

PUBLISHED_VERSIONS = "PublishedVersions"
OLDEST_PYTHON_MINOR = 12
EPHEMERAL_MB = 512
INITIALIZATION_TYPE = "snap-start"
HIDDEN_VARIABLES = frozenset({"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"})
NOT_PROVISIONED = "Provisioned Concurrency cannot be configured for a version with SnapStart."
_PYTHON = re.compile(r"python3\.(\d+)")
FAILURE_CODES = {
    "Sandbox.Timedout": "FunctionError.InitTimeout",
    "Runtime.OutOfMemory": "FunctionError.InitResourceExhausted",
    "Runtime.ExitError": "FunctionError.RuntimeInitError",
    "Platform": "InternalError",
}


def check(wanted: Configuration) -> None:
    """Whether a function that is configured so may have SnapStart. Raises InvalidParameter."""
    if not wanted.snap_start:
        return
    if wanted.package_type == IMAGE:
        raise InvalidParameter("SnapStart is not supported for functions with packageType Image.")
    python = _PYTHON.fullmatch(wanted.runtime)
    if wanted.runtime.startswith("java"):
        raise InvalidParameter(
            f"SnapStart of {wanted.runtime} needs a Java virtual machine whose memory can be saved (CRaC), which this "
            "version of Lambent does not do: leave ApplyOn at None. First invocations meet a machine that has started."
        )
    if python is None or int(python[1]) < OLDEST_PYTHON_MINOR:
        raise InvalidParameter(f"{wanted.runtime} is not supported for SnapStart enabled functions.")
    if wanted.file_system is not None:
        raise InvalidParameter("SnapStart is not supported with file systems (FileSystemConfigs).")
    if wanted.ephemeral_mb > EPHEMERAL_MB:
        raise InvalidParameter(
            f"SnapStart is not supported with an EphemeralStorage of more than {EPHEMERAL_MB} MB; "
            f"the function has {wanted.ephemeral_mb} MB."
        )


def failure_of(taken: SnapshotTaken) -> tuple[str, str]:
    """StateReason and StateReasonCode of a version whose snapshot could not be taken; both empty when it was."""
    if taken.status == "success":
        return "", ""
    told = f"{taken.error_type}: {taken.message}" if taken.message else taken.error_type
    return f"The function could not be initialized for SnapStart. {told}", FAILURE_CODES.get(
        taken.error_type, "FunctionError"
    )
