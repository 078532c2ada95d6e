"""FileSystemConfigs: the folder of the operator's that a function mounts, by the ARN of an access point.

Pure. Knows which access points there are, and what the model does not say about paths. An account and a Region see
their own alone, because both are in the ARN.

Source: Lambda service model (FileSystemConfig: one for each function, a path below /mnt); Lambda Developer Guide,
"Configuring file system access" and, for what goes not together, "Improving startup performance with Lambda SnapStart".
The words are our own.
"""

from collections.abc import Mapping

from msgspec import Struct

from lambent.model.environment import Mount
from lambent.model.function import FunctionKey
from lambent.services.lambda_.errors import InvalidParameter, MountFailure
from lambent.services.operation import Request

S3_FILES = ":s3files:"
ABOVE = ("/mnt/.", "/mnt/..")  # which the model's pattern lets pass


class FileSystemUse(Struct, frozen=True):
    """What a function mounts, and where."""

    arn: str
    path: str


def use_of(configs: list[Request], known: Mapping[str, str], *, walls: bool) -> FileSystemUse | None:
    """The one that is asked for; None for an empty list. Raises InvalidParameter."""
    if not configs:
        return None
    arn, path = configs[0]["Arn"], configs[0]["LocalMountPath"]
    if not walls:
        raise InvalidParameter("FileSystemConfigs is refused: without walls (--isolation process) nothing is mounted.")
    if S3_FILES in arn or configs[0].get("S3FilesConfig"):
        raise InvalidParameter("FileSystemConfigs is refused: Lambent does not support S3 Files.")
    if path in ABOVE:
        raise InvalidParameter(f"LocalMountPath {path} is refused: a file system is mounted in a folder of /mnt.")
    if arn not in known:
        raise InvalidParameter(
            f"The access point {arn} does not exist. Whoever runs this server lends folders with the setting "
            "file_system (lambent serve --file-system NAME=PATH), and `lambent status` shows their ARNs."
        )
    return FileSystemUse(arn, path)


def check_place(key: FunctionKey, wanted: FileSystemUse | None) -> None:
    """Whether the access point is of the function's own account and Region. Raises InvalidParameter."""
    if wanted is not None and wanted.arn.split(":")[3:5] != [key.region, key.account]:
        raise InvalidParameter(f"The access point {wanted.arn} is not in the function's account and Region.")


def mount_of(wanted: FileSystemUse | None, known: Mapping[str, str]) -> Mount | None:
    """What an environment is told. Raises MountFailure: the server was started without it."""
    if wanted is None:
        return None
    if wanted.arn not in known:
        raise MountFailure(
            f"The function couldn't mount the file system of {wanted.arn}: this server was started without it "
            "(setting file_system)."
        )
    return Mount(known[wanted.arn], wanted.path)
