"""PutBucketNotificationConfiguration and GetBucketNotificationConfiguration.

Whether S3 may send to each destination is found out before anything is stored: a queue or a topic gets a test event, a
function's policy is asked.

Source: S3 API reference; S3 User Guide, "Granting permissions to publish event notification messages to a destination".
"""

from msgspec import json

from lambent.arn import parse_arn
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.api import Destinations
from lambent.services.s3.asking import bucket_of
from lambent.services.s3.errors import S3Error
from lambent.services.s3.events import Rules, delivery, trial_event
from lambent.services.s3.model import Bucket
from lambent.services.s3.notification_rules import configuration_of, rules_of
from lambent.services.s3.notifying import SETTING
from lambent.services.s3.writing import Writer
from lambent.store.api import Transaction


class Notifications:
    """Who is told of a bucket's events."""

    def __init__(self, writer: Writer, destinations: Destinations) -> None:
        self._writer, self._destinations = writer, destinations

    @operation("PutBucketNotificationConfiguration")
    async def put_bucket_notification_configuration(self, ctx: RequestContext, request: Request) -> None:
        bucket = await self._writer.database.read(lambda tx: bucket_of(tx, ctx, request))
        rules = rules_of(request["NotificationConfiguration"], self._writer.ids.uuid)
        before = _rules(await self._writer.database.read(lambda tx: store.setting(tx, bucket, SETTING)))
        known = {rule.arn for rule in before.rules}
        for arn in dict.fromkeys(rule.arn for rule in rules.rules):
            if arn not in known or ":lambda:" in arn:
                await self._check(ctx, bucket, arn, try_out=not request.get("SkipDestinationValidation"))
        body = json.encode(rules).decode() if rules != Rules() else None

        def work(tx: Transaction) -> None:
            store.set_setting(tx, bucket_of(tx, ctx, request), SETTING, body)

        await self._writer.write(work)

    @operation("GetBucketNotificationConfiguration")
    async def get_bucket_notification_configuration(self, ctx: RequestContext, request: Request) -> Answer:
        body = await self._writer.database.read(lambda tx: store.setting(tx, bucket_of(tx, ctx, request), SETTING))
        return configuration_of(_rules(body))

    async def _check(self, ctx: RequestContext, bucket: Bucket, arn: str, *, try_out: bool) -> None:
        """Raises InvalidArgument for a destination that could not be told."""
        obstacle = self._destinations.refusal(arn)
        if obstacle is None and parse_arn(arn).region != bucket.region:
            obstacle = "The notification destination has to be in the Region of the bucket."
        if obstacle is None and try_out:
            at_ms = self._writer.clock.now_ms()
            trial = delivery(bucket, arn, trial_event(bucket, ctx.request_id, at_ms), at_ms)
            obstacle = await self._destinations.try_out(trial)
        if obstacle is not None:
            raise S3Error(
                "InvalidArgument",
                400,
                f"Unable to validate the following destination configurations: {obstacle}",
                ArgumentName1=arn,
                ArgumentValue1=obstacle,
            )


def _rules(body: str | None) -> Rules:
    return json.decode(body, type=Rules) if body is not None else Rules()
