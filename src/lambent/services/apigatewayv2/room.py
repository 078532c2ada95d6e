"""Whether an API, or an account, may have one more. Source: API Gateway Developer Guide, the quotas of HTTP APIs."""

from lambent.config import Quotas
from lambent.services.apigatewayv2 import domain_store, store
from lambent.services.apigatewayv2.errors import LimitExceeded
from lambent.services.apigatewayv2.model import Authorizer, Integration, Part, Route, Stage
from lambent.services.operation import RequestContext
from lambent.store.api import Transaction


def check_parts(tx: Transaction, api_id: str, quotas: Quotas) -> None:
    """After parts were made. Raises LimitExceeded, which undoes them."""
    limits: tuple[tuple[type[Part], int], ...] = (
        (Route, quotas.api_routes),
        (Integration, quotas.api_integrations),
        (Stage, quotas.api_stages),
        (Authorizer, quotas.api_authorizers),
    )
    for kind, most in limits:
        if store.count(tx, api_id, kind) > most:
            raise LimitExceeded(f"An API can have no more than {most} {kind.kind.lower()}s.")


def check_apis(tx: Transaction, context: RequestContext, quotas: Quotas) -> None:
    """After an API was made. Raises LimitExceeded."""
    if len(store.apis(tx, context)) > quotas.apis:
        raise LimitExceeded(f"An account can have no more than {quotas.apis} APIs in a Region.")


def check_domains(tx: Transaction, context: RequestContext, quotas: Quotas) -> None:
    """After a domain name was made. Raises LimitExceeded."""
    if len(domain_store.domains(tx, context)) > quotas.domain_names:
        raise LimitExceeded(f"An account can have no more than {quotas.domain_names} domain names in a Region.")
