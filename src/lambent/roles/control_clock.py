"""The clock of control, which a person may move ahead on a development server.

How far it was moved is kept in DATA/clock-shift, so that neither a crash nor a restart turns time back. A server
without `--dev-credentials` is on the machine's time, whatever the file says.
"""

import asyncio
from pathlib import Path

import structlog

from lambent.clock import ShiftedClock
from lambent.config import Settings
from lambent.model.messages import Moment
from lambent.roles.control_links import Edges
from lambent.store.durable import sync_folder, write_synced

log = structlog.get_logger()


class TestClock:
    """Control's clock, and how it is moved."""

    __test__ = False  # for pytest: not a test

    def __init__(self, settings: Settings) -> None:
        self._file = settings.data / "clock-shift"
        self._one_at_a_time = asyncio.Lock()
        shift_s = kept_shift_s(self._file)
        if shift_s and not settings.dev_credentials:
            log.warning("time was moved ahead on this data, and is the machine's again", action="clock", was_s=shift_s)
        self.clock = ShiftedClock(shift_s if settings.dev_credentials else 0.0)

    async def advance(self, seconds: float, edges: Edges) -> Moment:
        """Move time ahead, everywhere; none for 0."""
        if seconds > 0:
            async with self._one_at_a_time:
                shift_s = self.clock.shift_s + seconds
                await asyncio.to_thread(keep_shift_s, self._file, shift_s)
                self.clock.move_to(shift_s)
                await edges.move_clock(shift_s)
                log.info("time was moved", action="clock.advance", by_s=seconds, ahead_s=shift_s)
        return Moment(self.clock.now_s(), self.clock.shift_s)


def kept_shift_s(file: Path) -> float:
    """How far time was moved before; raises ValueError for a file that is damaged."""
    try:
        return float(file.read_text())
    except FileNotFoundError:
        return 0.0


def keep_shift_s(file: Path, shift_s: float) -> None:
    """Durable when it returns."""
    fresh = file.with_name(".clock-shift.new")
    fresh.unlink(missing_ok=True)
    write_synced(fresh, str(shift_s).encode())
    fresh.rename(file)
    sync_folder(file.parent)
