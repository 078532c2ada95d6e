"""What asynchronous invocation asks of this service: the rules for each event, from what callers set.

They are asked for with every event, so they are remembered until the function changes; what was
read before a change is not remembered after it.
"""

from collections import OrderedDict

from lambent.invocation.asynchronous.api import EventRules
from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST, function_arn
from lambent.services.lambda_ import event_store, store
from lambent.services.lambda_.names import find_version
from lambent.store.api import Database, Transaction

FUNCTIONS = 10_000


class KnownRules:
    """Implements `invocation.asynchronous.api.Functions`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[FunctionKey, dict[str, EventRules]] = OrderedDict()
        self._changes = 0

    async def event_rules(self, key: FunctionKey, qualifier: str) -> EventRules:
        """See the contract. Raises NotFound."""
        known = self._known.get(key, {}).get(qualifier)
        if known is not None:
            return known
        changes = self._changes
        rules = await self._database.read(lambda tx: _rules(tx, key, qualifier))
        if changes == self._changes:
            self._known.setdefault(key, {})[qualifier] = rules
            if len(self._known) > FUNCTIONS:
                self._known.popitem(last=False)
        return rules

    def changed(self, key: FunctionKey) -> None:
        """Told after each committed change to `key`."""
        self._changes += 1
        self._known.pop(key, None)


def _rules(tx: Transaction, key: FunctionKey, qualifier: str) -> EventRules:
    version = find_version(tx, key, qualifier)
    place = qualifier or LATEST
    config = event_store.find(tx, key, place) or event_store.EventInvokeConfig(key, place, 0)
    plain = EventRules(function_arn(key, place))
    return EventRules(
        plain.arn,
        plain.max_retries if config.max_retries is None else config.max_retries,
        plain.max_age_s if config.max_age_s is None else config.max_age_s,
        config.on_success,
        config.on_failure,
        version.configuration.dead_letter,
        store.function(tx, key).reserved_concurrency == 0,
        version.configuration.role,
    )
