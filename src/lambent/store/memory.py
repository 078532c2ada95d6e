"""The fake for tests: a database that lives in memory and passes the same conformance suite."""

from lambent.store.sqlite import open_memory

__all__ = ["open_memory"]
