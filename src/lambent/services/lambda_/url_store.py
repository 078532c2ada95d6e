"""The table of function URLs as plain functions over a Transaction. Nothing here decides."""

import msgspec

from lambent.model.function import FunctionKey
from lambent.model.function_url import FunctionUrl
from lambent.services.lambda_.store import SQL
from lambent.store.api import Transaction


def put(tx: Transaction, url: FunctionUrl) -> None:
    """Add the URL, or write over what it was."""
    record = msgspec.json.encode(url).decode()
    tx.run(SQL.put_url, url_id=url.url_id, record=record, **_place(url.key, url.qualifier))


def find(tx: Transaction, key: FunctionKey, qualifier: str) -> FunctionUrl | None:
    """The URL of a function ("") or an alias, if there is one."""
    row = tx.one(SQL.url_config, **_place(key, qualifier))
    return None if row is None else msgspec.json.decode(row["record"], type=FunctionUrl)


def find_by_id(tx: Transaction, url_id: str) -> FunctionUrl | None:
    """The URL that a request names."""
    row = tx.one(SQL.url_by_id, url_id=url_id)
    return None if row is None else msgspec.json.decode(row["record"], type=FunctionUrl)


def after(tx: Transaction, key: FunctionKey, qualifier: str | None, count: int) -> list[FunctionUrl]:
    """Up to `count` URLs of one function by qualifier, the function's own first; beginning above
    `qualifier`, or with the first for None."""
    own = find(tx, key, "") if qualifier is None else None
    rows = tx.all(SQL.urls_after, count=count, **_place(key, qualifier or ""))
    urls = [msgspec.json.decode(row["record"], type=FunctionUrl) for row in rows]
    return urls if own is None else [own, *urls][:count]


def delete(tx: Transaction, key: FunctionKey, qualifier: str) -> bool:
    """Forget the URL; whether it was there."""
    return tx.run(SQL.delete_url, **_place(key, qualifier)) > 0


def _place(key: FunctionKey, qualifier: str) -> dict[str, str]:
    return {"account": key.account, "region": key.region, "name": key.name, "qualifier": qualifier}
