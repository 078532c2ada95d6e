"""The databases of control, opened one after the other and closed the other way round."""

from lambent.config import Settings
from lambent.store.sql import load_schema
from lambent.store.sqlite import SqliteDatabase, open_sqlite


class Stores:
    """The databases, one for each service, under DATA/db."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data / "db"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._opened: list[SqliteDatabase] = []

    async def open(self, name: str, package: str) -> SqliteDatabase:
        """The database called `name`, with the tables of `package`."""
        database = await open_sqlite(self._folder / f"{name}.sqlite", load_schema(package))
        self._opened.append(database)
        return database

    async def close(self) -> None:
        """Close all, the last opened first."""
        for database in reversed(self._opened):
            await database.close()
