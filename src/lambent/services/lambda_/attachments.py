"""What hangs on a function, on one of its versions or on an alias: found, written and forgotten with it.

The thing itself is its `qualifier`: "" for the function, whose revision is that of `$LATEST`. A
change to what hangs on it is a change of its revision, as AWS has it.

Source: behaviours section 6. That a policy's RevisionId is the function's: recordings of GetPolicy and
GetFunction around AddPermission.
"""

import msgspec

from lambent.model.function import FunctionKey
from lambent.services.lambda_ import alias_store, event_store, provisioned_store, store, url_store
from lambent.services.lambda_.names import find_version
from lambent.services.lambda_.policy import Document
from lambent.services.lambda_.store import SQL
from lambent.store.api import Transaction


def revision(tx: Transaction, key: FunctionKey, qualifier: str) -> str:
    """The revision of what `qualifier` names. Raises NotFound."""
    version = find_version(tx, key, qualifier)
    alias = alias_store.find(tx, key, qualifier)
    return version.revision_id if alias is None else alias.revision_id


def revise(tx: Transaction, key: FunctionKey, qualifier: str, revision_id: str) -> None:
    """Give it another revision. Raises NotFound."""
    alias = alias_store.find(tx, key, qualifier)
    if alias is not None:
        alias_store.put(tx, msgspec.structs.replace(alias, revision_id=revision_id))
        return
    store.put_version(tx, msgspec.structs.replace(find_version(tx, key, qualifier), revision_id=revision_id))


def forget(tx: Transaction, key: FunctionKey, qualifier: str) -> None:
    """The version or alias is deleted, and all that hangs on it with it."""
    put_policy(tx, key, qualifier, None)
    provisioned_store.delete(tx, key, qualifier)
    event_store.delete(tx, key, qualifier)
    url_store.delete(tx, key, qualifier)


def policy(tx: Transaction, key: FunctionKey, qualifier: str) -> Document | None:
    """Its resource policy, if there is one."""
    row = tx.one(SQL.policy, **_place(key, qualifier))
    if row is None:
        return None
    document: Document = msgspec.json.decode(row["document"])
    return document


def put_policy(tx: Transaction, key: FunctionKey, qualifier: str, document: Document | None) -> None:
    """Write over its resource policy; None removes it."""
    if document is None:
        tx.run(SQL.delete_policy, **_place(key, qualifier))
    else:
        tx.run(SQL.put_policy, document=msgspec.json.encode(document).decode(), **_place(key, qualifier))


def _place(key: FunctionKey, qualifier: str) -> dict[str, str]:
    return {"account": key.account, "region": key.region, "name": key.name, "qualifier": qualifier}
