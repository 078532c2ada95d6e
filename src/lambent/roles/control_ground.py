"""What every room of control stands on."""

from typing import NamedTuple

from lambent.clock import Clock
from lambent.config import Settings
from lambent.ids import Ids
from lambent.roles.control_stores import Stores


class Ground(NamedTuple):
    """The settings, the time, chance, and the databases."""

    settings: Settings
    clock: Clock
    ids: Ids
    stores: Stores
