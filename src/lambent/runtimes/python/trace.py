"""The variable that carries the trace header, set anew for each invocation.

`os.environ[...] = ` ends in glibc's setenv, which keeps every value it was ever given: a hundred
bytes an invocation, so that a busy environment of 128 MB died of it after a million. Here the
variable lies in a buffer of our own that is written over, which POSIX allows for what `putenv` was
given. What the function sees, in Python, in C and in child processes, is the same.
"""

from __future__ import annotations

import ctypes
import os

VARIABLE = "_X_AMZN_TRACE_ID"
LONGEST_BYTES = 1024  # the platform sends no longer one (environment/live.py)
_NAME = VARIABLE.encode()


class TraceVariable:
    """Owns the variable's memory for the life of the process."""

    def __init__(self) -> None:
        self._value = os.environ.get(VARIABLE, "")
        self._buffer = ctypes.create_string_buffer(len(_NAME) + 1 + 4 * LONGEST_BYTES + 1)
        self._putenv = ctypes.CDLL(None).putenv
        self._kept = b""

    def set(self, header: str) -> None:
        """Have the variable say `header`, or be absent when that is empty."""
        if header == self._value:
            return
        self._value = header
        if not header:
            os.environ.pop(VARIABLE, None)
            return
        value = os.fsencode(header)
        variables: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
        in_place = variables.get(_NAME) is self._kept
        self._buffer.value = b"%b=%b" % (_NAME, value)
        variables[_NAME] = self._kept = value
        if not in_place:  # the first time, or the function has set or removed it
            self._putenv(self._buffer)
