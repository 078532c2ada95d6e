"""SNS, put together."""

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.services.operation import operations_of
from lambent.services.sns.api import Links
from lambent.services.sns.permissions import Permissions
from lambent.services.sns.publishing import Publisher
from lambent.services.sns.resource import Shop
from lambent.services.sns.routing import Router
from lambent.services.sns.subscriptions import Subscriptions
from lambent.services.sns.tags import Tags
from lambent.services.sns.topics import Topics
from lambent.store.api import Database


class SnsService:
    """See api.py for the contract."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, links: Links, quotas: Quotas) -> None:
        shop = Shop(database, clock, ids, Router(database), links, quotas)
        self._signer = links.signer
        self.publisher = Publisher(shop)
        self.operations = operations_of(
            Topics(shop),
            Subscriptions(shop),
            Permissions(shop),
            Tags(shop),
            self.publisher,
        )

    def certificate(self, path: str) -> bytes | None:
        """What is at the path of a SigningCertURL; None when it is not ours."""
        return self._signer.certificate if path == self._signer.path else None
