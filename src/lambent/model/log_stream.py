"""The log stream of one environment.

Source: Lambda Developer Guide, "Log streams" and "Configuring CloudWatch log groups": in a group of its own a
function's streams are `YYYY/MM/DD/[VERSION]32HEX`; in a group that it was given, which several functions may
share, its name stands before the version.
"""

from datetime import UTC, datetime

from lambent.clock import Clock
from lambent.ids import Ids
from lambent.model.function import FunctionKey


def default_log_group(function_name: str) -> str:
    """Where a function logs that was given no other group."""
    return f"/aws/lambda/{function_name}"


def new_log_stream(function: FunctionKey, version: str, log_group: str, clock: Clock, ids: Ids) -> str:
    """A name that no other environment has."""
    day = datetime.fromtimestamp(clock.now_s(), UTC)
    owner = "" if log_group == default_log_group(function.name) else function.name
    return f"{day:%Y/%m/%d}/{owner}[{version}]{ids.hex(32)}"
