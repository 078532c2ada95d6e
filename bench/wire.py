"""A transport to nowhere, for connections that are fed by hand."""

import asyncio
from typing import Any


class Wire(asyncio.Transport):
    """Keeps what was written last."""

    last = b""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.last = bytes(data)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """Nothing is read here."""

    resume_reading = close = pause_reading
