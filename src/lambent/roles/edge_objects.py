"""What of S3 an edge does itself, connected: the stages before authentication, around it and behind it."""

from collections.abc import Callable
from typing import NamedTuple

from lambent.clock import Clock
from lambent.config import Settings
from lambent.gateway.authentication import KeyCache
from lambent.gateway.cross_origin import CrossOrigin, Preflights, Refusals
from lambent.gateway.exchange import Stage
from lambent.gateway.forms import Forms
from lambent.gateway.objects import ObjectRoad
from lambent.gateway.strangers import Strangers
from lambent.ids import Ids
from lambent.roles.edge_links import ControlLink
from lambent.store.objects import open_objects


class ObjectStages(NamedTuple):
    """Made by `object_stages`."""

    unsigned: tuple[Stage, ...]
    authenticated: Callable[[Stage], Stage]
    signed: Stage


def object_stages(control: ControlLink, keys: KeyCache, settings: Settings, clock: Clock, ids: Ids) -> ObjectStages:
    """The stages; the first stand before authentication, in that order, and the second around it."""
    objects, region = open_objects(settings.data / "objects", ids), settings.region
    road = CrossOrigin(ObjectRoad(control.object, objects, keys).answer, control.bucket)
    forms = CrossOrigin(Forms(control.object, objects, keys, clock).answer, control.bucket)
    unsigned = Preflights(control.bucket), Strangers(road, forms, control.bucket, region)
    return ObjectStages(unsigned, lambda stage: Refusals(stage, control.bucket), road)
