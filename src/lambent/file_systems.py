"""Folders of this machine that the operator lends to functions, as access points of EFS are lent.

Pure: how one is written in the settings, what it is called, and which account and Region it belongs to. Whether
the folder is there, and may be lent, `cli.serve` asks at the start and the sandbox at each mount.

Source: Lambda service model (FileSystemArn): `fsap-` and 17 hexadecimal digits. Ours come from the name, the
account and the Region, so that they stay when the server starts again.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from lambent.arn import make_arn

HOW = "it is written NAME=PATH, NAME=PATH:ro to be read only, or ACCOUNT/REGION/NAME=PATH for another account or Region"
_WRITTEN = re.compile(
    r"(?:(?P<account>\d{12})/(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)/)?(?P<name>[A-Za-z0-9_-]{1,64})=(?P<path>/[^\0,]+?)(?P<ro>:ro)?"
)


class FileSystem(NamedTuple):
    """One folder. `place`, where it is, is what the privileged parts of a sandbox know it by."""

    name: str
    path: Path
    account: str
    region: str
    read_only: bool = False

    @property
    def place(self) -> str:
        """A word without a slash that no other has."""
        return hashlib.sha256(f"{self.account}/{self.region}/{self.name}".encode()).hexdigest()[:17]

    @property
    def arn(self) -> str:
        """What FileSystemConfigs names it by."""
        return make_arn("elasticfilesystem", self.region, self.account, f"access-point/fsap-{self.place}")


def parse(text: str, account: str, region: str) -> FileSystem:
    """One folder as it is written; `account` and `region` are those of the server.

    Raises:
        ValueError: it is written otherwise.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None or ".." in found["path"].split("/"):
        raise ValueError(f"not a file system: {HOW}")
    return FileSystem(
        found["name"],
        Path(found["path"]),
        found["account"] or account,
        found["region"] or region,
        found["ro"] is not None,
    )


def parse_all(texts: tuple[str, ...], account: str, region: str) -> tuple[FileSystem, ...]:
    """All of them. Raises ValueError also for two of one name."""
    found = tuple(parse(text, account, region) for text in texts)
    if len({each.arn for each in found}) < len(found):
        raise ValueError("two file systems of one account and Region have the same name")
    return found
