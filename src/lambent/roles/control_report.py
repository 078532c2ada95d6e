"""What control says about the whole platform: for `lambent status`, and for Prometheus."""

import contextlib
import os
from typing import Any, NamedTuple

from lambent.errors import Unavailable
from lambent.file_systems import FileSystem
from lambent.invocation.asynchronous.queue import EventQueue
from lambent.placement.placement import Placement
from lambent.pollers.api import Statistics as PollerStatistics
from lambent.pollers.pollers import Pollers
from lambent.roles.control_links import Agents, Edges
from lambent.roles.messaging import Messaging
from lambent.services.cloudwatch.api import CloudWatchService


class Report(NamedTuple):
    """The rooms that are asked."""

    edges: Edges
    agents: Agents
    placement: Placement
    queue: EventQueue
    messaging: Messaging
    pollers: Pollers
    cloudwatch: CloudWatchService
    file_systems: tuple[FileSystem, ...]

    async def status(self) -> dict[str, Any]:
        """The parts with their pids, the environments, and what waits."""
        environments, runtimes = [], []
        with contextlib.suppress(Unavailable):
            environments, runtimes = await self.agents.inventory(), await self.agents.runtimes()
        return {
            "parts": {
                "control": {"pid": os.getpid()},
                "edges": [{"pid": self.edges.pids[number]} for number in sorted(self.edges.pids)],
                "agent": {"pid": self.agents.pid},
            },
            "environments": environments,
            "runtimes": runtimes,
            "queue": await self.queue.statistics(),
            "deliveries": await self.messaging.deliveries.statistics(),
            "mappings": self.pollers.statistics(),
            "websockets": await self.edges.connections(),
            "file_systems": [
                {"name": each.name, "arn": each.arn, "path": str(each.path), "read_only": each.read_only}
                for each in self.file_systems
            ],
        }

    async def metrics(self) -> str:
        """Prometheus text: gauges of the platform, and the totals of functions."""
        usage, queue = self.placement.usage(), await self.queue.statistics()
        facts = [(f"lambent_placement_{name}", getattr(usage, name)) for name in usage.__struct_fields__]
        facts += [(f"lambent_events_{name}", getattr(queue, name)) for name in queue.__struct_fields__]
        deliveries = await self.messaging.deliveries.statistics()
        facts += [(f"lambent_deliveries_{name}", getattr(deliveries, name)) for name in deliveries.__struct_fields__]
        pollers = self.pollers.statistics().values()
        facts += [
            (f"lambent_pollers_{name}", sum(getattr(each, name) for each in pollers))
            for name in PollerStatistics.__struct_fields__
        ]
        facts.append(("lambent_edges_connected", len(self.edges.pids)))
        facts.append(("lambent_websockets_held", await self.edges.connections()))
        gauges = "".join(f"# TYPE {name} gauge\n{name} {value}\n" for name, value in facts)
        return gauges + await self.cloudwatch.prometheus()
