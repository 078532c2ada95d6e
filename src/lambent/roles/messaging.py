"""What sends on behalf of others, connected: EventBridge, Scheduler, SNS, S3, and the deliveries they make."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from lambent.clock import Clock
from lambent.config import Settings
from lambent.delivery.api import Carrier
from lambent.delivery.deliveries import Deliveries
from lambent.ids import Ids
from lambent.invocation.asynchronous.queue import EventQueue
from lambent.loops import Loop
from lambent.roles.carriers import BusCarrier, FunctionCarrier, LogCarrier, QueueCarrier, Services, TopicCarrier
from lambent.roles.event_destinations import EventDestinations
from lambent.roles.http_carrier import HttpCarrier
from lambent.roles.object_storage import Archives, Destinations, ObjectCarrier
from lambent.roles.outbound import Outbound
from lambent.services.events.api import Links as EventsLinks
from lambent.services.events.service import EventsService
from lambent.services.iam.keys import Keys
from lambent.services.lambda_.service import LambdaService
from lambent.services.logs.api import LogsService
from lambent.services.operation import Operation
from lambent.services.s3.api import Links as S3Links
from lambent.services.s3.service import S3Service
from lambent.services.scheduler.api import Links as SchedulerLinks
from lambent.services.scheduler.service import SchedulerService
from lambent.services.sns.api import Links as SnsLinks
from lambent.services.sns.service import SnsService
from lambent.services.sns.signing import Signer
from lambent.services.sqs.api import SqsService
from lambent.store.api import Database
from lambent.store.objects import open_objects
from lambent.vault import Vault

Open = Callable[[str, str], Awaitable[Database]]


class Reachable(NamedTuple):
    """What can be delivered to, who knows the roles, the road itself, and who has to learn what is there."""

    keys: Keys
    vault: Vault
    lambda_: LambdaService
    queue: EventQueue
    logs: LogsService
    sqs: SqsService
    settings: Settings
    deliveries: Deliveries
    archives: Archives
    destinations: EventDestinations


class Messaging(NamedTuple):
    """Made by `build_messaging`."""

    deliveries: Deliveries
    events: EventsService
    scheduler: SchedulerService
    sns: SnsService
    http: HttpCarrier
    s3: S3Service

    @property
    def operations(self) -> dict[str, Mapping[str, Operation]]:
        """Of each service, for the dispatcher."""
        return {
            "events": self.events.operations,
            "s3": self.s3.operations,
            "scheduler": self.scheduler.operations,
            "sns": self.sns.operations,
        }

    def loops(self) -> dict[str, Loop]:
        """What control runs, by name."""
        return {
            "deliveries": self.deliveries.run,
            "events": self.events.run,
            "scheduler": self.scheduler.run,
            "s3": self.s3.run,
        }

    async def close(self) -> None:
        """Hang up, once those tasks are over."""
        await self.http.close()


async def build_messaging(open_: Open, clock: Clock, ids: Ids, to: Reachable, signer: Signer) -> Messaging:
    """Open the databases and make the rooms; deliveries learn their carriers last, as some are services that
    make deliveries themselves."""
    deliveries = to.deliveries
    carriers: dict[str, Carrier] = {}
    http = HttpCarrier(Outbound(to.settings.endpoint_allow))
    services = Services(carriers, http)
    deliveries.carriers = services
    eventbridge = await open_("eventbridge", "lambent.services.events")
    events = EventsService(eventbridge, clock, ids, EventsLinks(deliveries, services, to.keys), to.settings.quotas)
    schedules = await open_("scheduler", "lambent.services.scheduler")
    scheduler = SchedulerService(schedules, clock, ids, SchedulerLinks(deliveries, services, to.keys))
    carriers["events"] = BusCarrier(events.intake, to.keys, clock)
    carriers["lambda"] = FunctionCarrier(to.lambda_, to.queue, to.keys, ids, to.settings.quotas.async_payload_bytes)
    carriers["logs"] = LogCarrier(to.logs.appending, ids)
    carriers["sqs"] = QueueCarrier(to.sqs.queues, to.keys)
    topics = await open_("sns", "lambent.services.sns")
    sns = SnsService(topics, clock, ids, SnsLinks(deliveries, signer, http), to.settings.quotas)
    carriers["sns"] = TopicCarrier(sns.publisher, to.keys)
    destinations = Destinations(services, carriers)
    objects = await asyncio.to_thread(open_objects, to.settings.data / "objects", ids)
    s3_links = S3Links(objects, deliveries, destinations, to.vault)
    s3 = S3Service(await open_("s3", "lambent.services.s3"), clock, ids, s3_links)
    await s3.start()
    to.archives.files = s3.files
    carriers["s3"] = ObjectCarrier(s3.files, to.keys, clock, ids)
    to.destinations.add("sqs", to.sqs.queues.is_there)
    to.destinations.add("sns", sns.publisher.is_there)
    to.destinations.add("events", events.intake.is_there)
    to.destinations.add("s3", s3.files.is_there)
    return Messaging(deliveries, events, scheduler, sns, http, s3)
