"""What a function may reach: its tag `lambent:network`, or the node's default where it has none.

AWS says this with subnets and routes, which have no counterpart here (VpcConfig is refused by name); a tag is
what every AWS tool can set, and deploy templates keep. The tag is the function's, so it holds for all its versions.

An environment's network is part of what it is made from, so the reach is written into the environment key:
after a change of the tag the next invocation meets an environment with the new one.
"""

from collections.abc import Mapping
from typing import get_args

from lambent.model.environment import Reach
from lambent.services.lambda_.errors import InvalidParameter

TAG = "lambent:network"
REACHES: tuple[Reach, ...] = get_args(Reach)


def reach_of(tags: Mapping[str, str]) -> Reach | None:
    """What the tags say; None when they say nothing."""
    return next((each for each in REACHES if each == tags.get(TAG)), None)


def check_reach(tags: Mapping[str, str], obstacle: str | None) -> None:
    """Whether the tags can be obeyed; `obstacle` is why this host has no egress. Raises InvalidParameter."""
    wanted = tags.get(TAG)
    if wanted is None:
        return
    if wanted not in REACHES:
        raise InvalidParameter(f"The tag {TAG} is one of {', '.join(REACHES)}, not {wanted}.")
    if wanted == "egress" and obstacle:
        raise InvalidParameter(f"The tag {TAG}=egress cannot be obeyed on this host. {obstacle}")


def keyed(environment_key: str, reach: Reach | None) -> str:
    """The environment key with the reach in it."""
    return f"{environment_key}.{reach}" if reach else environment_key


def unkeyed(environment_key: str) -> tuple[str, Reach | None]:
    """Both parts of it again."""
    key, _, reach = environment_key.partition(".")
    return key, reach_of({TAG: reach})
