"""The embedded database: SQLite, one file a service. Nothing outside this folder knows `sqlite3`."""

from lambent.store.sqlite.database import SqliteDatabase, open_memory, open_sqlite

__all__ = ["SqliteDatabase", "open_memory", "open_sqlite"]
