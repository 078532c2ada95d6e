"""Functions, connected: the Lambda service, and who may have one more environment of one.

The service asks placement to follow its changes, and placement asks the service what a function is: whoever is made
first is given a link that is connected when the other is there.
"""

import os
import platform
from typing import NamedTuple

from lambent.placement.api import Links as PlacementLinks
from lambent.placement.placement import Placement
from lambent.placement.provisioning import Provisioner
from lambent.placement.rates import Rates
from lambent.roles.control_ground import Ground
from lambent.roles.control_links import Agents, Edges, Invalidator, PlacementLink, Runtimes, Specs
from lambent.roles.control_snapshots import Snapshots
from lambent.roles.event_destinations import EventDestinations
from lambent.roles.identities import Identities
from lambent.roles.lambda_places import open_places
from lambent.roles.object_storage import Archives
from lambent.roles.polling import Polling
from lambent.roles.records import Records
from lambent.sandbox.launch import Host
from lambent.services.lambda_.api import Links as LambdaLinks
from lambent.services.lambda_.service import LambdaService


class Around(NamedTuple):
    """What functions are run by, and what they are part of."""

    host: Host
    agents: Agents
    edges: Edges
    identities: Identities
    records: Records
    polling: Polling
    archives: Archives
    destinations: EventDestinations


class Functions(NamedTuple):
    """Made by `build_functions`."""

    lambda_: LambdaService
    placement: Placement
    provisioner: Provisioner
    rates: Rates
    snapshots: Snapshots


async def build_functions(on: Ground, around: Around) -> Functions:
    """Open the service's places and make the rooms."""
    settings, keys = on.settings, around.identities.keys
    link = PlacementLink()
    snapshots = Snapshots(around.agents, around.records.journal, on.clock, on.ids)
    service = await _open_service(on, around, link, snapshots)
    around.polling.pollers.registry = service.mappings
    known = service.data_plane
    specs = Specs(known, keys, settings, on.clock, on.ids)
    placement = Placement(
        settings.node_memory_mb or _nine_tenths_of_memory_mb() - settings.preboot_mb,
        on.clock,
        on.ids,
        PlacementLinks(around.agents, around.edges, known, specs),
        wait_s=settings.node_wait_s,
        scaling_pace=settings.scaling_pace,
    )
    snapshots.connect(specs, known, placement)
    provisioner = Provisioner(placement, around.edges, known, on.clock, settings.environment_life_s)
    link.connect(placement, provisioner)
    rates = Rates(settings.requests_per_concurrency, known, on.clock)
    return Functions(service, placement, provisioner, rates, snapshots)


async def _open_service(on: Ground, around: Around, link: PlacementLink, snapshots: Snapshots) -> LambdaService:
    polling = around.polling
    links = LambdaLinks(
        around.identities.keys,
        Runtimes(around.host, _architecture(), fallback=on.settings.runtime_fallback),
        Invalidator(around.edges, link),
        link,
        snapshots,
        polling.pollers,
        polling.queues,
        polling.streams,
        around.archives,
        around.destinations,
    )
    places = await open_places(on.stores, on.settings, around.identities.vault, on.ids)
    return LambdaService(places, on.settings, on.clock, on.ids, links)


def _architecture() -> str:
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def _nine_tenths_of_memory_mb() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (1024 * 1024) * 9 // 10
