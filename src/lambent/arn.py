"""Amazon Resource Names: parts and back.

Source: IAM reference, "Amazon Resource Names (ARNs)":
`arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, where RESOURCE may hold further colons.
"""

from typing import NamedTuple


class Arn(NamedTuple):
    """One ARN, taken apart. `resource` keeps its own colons and slashes."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def parse_arn(text: str) -> Arn:
    """The parts of `text`.

    Raises:
        ValueError: `text` does not have six colon-separated parts that begin with `arn`.
    """
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        raise ValueError(f"not an ARN: {text!r}")
    return Arn(*parts[1:])


def make_arn(service: str, region: str, account: str, resource: str) -> str:
    """An ARN in the `aws` partition."""
    return f"arn:aws:{service}:{region}:{account}:{resource}"
