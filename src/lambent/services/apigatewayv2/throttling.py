"""What a stage's settings say of a route: what limits it, and whether it has metrics of its own. Pure."""

from lambent.model.apis import Throttle
from lambent.services.apigatewayv2.model import RouteSettings, Stage

NO_LIMIT = 1e9


def has_metrics(stage: Stage, route_key: str) -> bool:
    """Whether a route is counted by itself too: its own settings win, where there are any that say so."""
    own = stage.route_settings.get(route_key, RouteSettings()).detailed_metrics_enabled
    return bool(stage.default_route_settings.detailed_metrics_enabled if own is None else own)


def throttle_of(stage: Stage, route_key: str) -> Throttle | None:
    """What limits a route: its own settings, and the stage's defaults for what they do not say."""
    own, usual = stage.route_settings.get(route_key, RouteSettings()), stage.default_route_settings
    rate = usual.throttling_rate_limit if own.throttling_rate_limit is None else own.throttling_rate_limit
    burst = usual.throttling_burst_limit if own.throttling_burst_limit is None else own.throttling_burst_limit
    if rate is None and burst is None:
        return None
    rate = NO_LIMIT if rate is None else rate
    return Throttle(rate, max(1, int(rate)) if burst is None else burst)
