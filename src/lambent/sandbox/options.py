"""How sandboxes are made on one node: what the agent's settings come to."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from lambent.file_systems import FileSystem
from lambent.sandbox.user_namespace import Standing


class Limits(Struct, frozen=True):
    """What every sandbox of a node has alike."""

    processes: int
    file_descriptors: int


class GuestOptions(Struct, frozen=True):
    """Of one language other than Python: its own /var/runtime, modules for its functions (an operator's folder), and
    the variables of a process that waits."""

    runtime_folder: Path
    variables: Mapping[str, str]
    modules: Path | None = None


class NodeOptions(Struct, frozen=True):
    """`port` is where a function finds the platform, on its own loopback."""

    code: Path
    runtime_folder: Path
    empty_folder: Path
    port: int
    standing: Standing
    pool_least: int
    pool_most: int
    limits: Limits
    walls: bool = True
    fallback: bool = False
    egress_allow: tuple[str, ...] = ()
    file_systems: tuple[FileSystem, ...] = ()
    guests: Mapping[str, GuestOptions] = {}  # by the language's name
    preboot_mb: int = 0
    preboot_idle_s: float = 0.0
