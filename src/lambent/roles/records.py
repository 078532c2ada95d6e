"""What happened, connected: the journal, its one reader, and the logs and metrics made of it."""

from collections.abc import Mapping
from typing import NamedTuple

from lambent.journal.follower import Consumer, JournalFollower
from lambent.journal.reader import JournalReader
from lambent.journal.writer import JournalWriter
from lambent.loops import Loop
from lambent.roles.control_ground import Ground
from lambent.services.cloudwatch.api import CloudWatchService
from lambent.services.cloudwatch.lambda_metrics import LambdaMetrics
from lambent.services.logs.api import LogsService
from lambent.services.logs.ingest import LogIngester
from lambent.services.operation import Operation


class Records(NamedTuple):
    """Made by `open_records`."""

    journal: JournalWriter
    follower: JournalFollower
    logs: LogsService
    cloudwatch: CloudWatchService

    @property
    def operations(self) -> dict[str, Mapping[str, Operation]]:
        """Of each service, for the dispatcher."""
        return {"logs": self.logs.operations, "cloudwatch": self.cloudwatch.operations}

    def loops(self) -> dict[str, Loop]:
        """What control runs, by name."""
        return {"journal": self.follower.run, "logs": self.logs.run, "cloudwatch": self.cloudwatch.run}

    async def close(self) -> None:
        """Write what is held back."""
        await self.cloudwatch.close()
        self.journal.close()


async def open_records(on: Ground) -> Records:
    """Open the databases, and the journal for what control itself has to say."""
    clock, folder = on.clock, on.settings.data / "journal"
    folder.mkdir(mode=0o700, exist_ok=True)
    logs = await on.stores.open("logs", "lambent.services.logs")
    metrics = await on.stores.open("cloudwatch", "lambent.services.cloudwatch")
    consumers: list[Consumer] = [LogIngester(logs, clock), LambdaMetrics(metrics)]
    follower = JournalFollower(JournalReader(folder), clock, consumers)
    return Records(
        JournalWriter(folder, f"control-{on.ids.hex(16)}"),
        follower,
        LogsService(logs, clock, follower.catch_up),
        CloudWatchService(metrics, clock, follower.catch_up, on.settings.metric_retention_days),
    )
