"""Subscribe, ConfirmSubscription, Unsubscribe, and the lists and attributes of subscriptions.

Whoever subscribes a queue or function of their own account need not confirm it. All others get a message with a
token, which confirms the subscription within two days; ConfirmSubscription and Unsubscribe may come without a
signature, as links.

Sources: SNS API reference, each of them; the words as the service gives them.
"""

import hmac
import uuid

from msgspec import structs

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sns import store, subscription_attributes
from lambent.services.sns.endpoints import account_of, check_endpoint
from lambent.services.sns.envelope import CONFIRMATION, ENDED, confirmation
from lambent.services.sns.errors import (
    AuthorizationError,
    FilterPolicyLimitExceeded,
    NotFound,
    invalid,
    no_topic,
)
from lambent.services.sns.model import FUNCTIONS, HTTP, Message, Subscription, Topic
from lambent.services.sns.names import TopicKey, topic_key, topic_of_subscription
from lambent.services.sns.pages import SIZE, after, page
from lambent.services.sns.resource import Shop, check_access
from lambent.services.sns.routing import delivery_of
from lambent.store.api import Transaction

TOKEN_LIFE_MS = 2 * 86_400_000
TOKEN_DIGITS = 256
PENDING = "pending confirmation"
PENDING_LISTED = "PendingConfirmation"
TEXTS = {
    CONFIRMATION: "You have chosen to subscribe to the topic {}.\n"
    "To confirm the subscription, visit the SubscribeURL included in this message.",
    ENDED: "You have chosen to deactivate a subscription to the topic {}.\n"
    "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
}


class Subscriptions:
    """The subscriptions of every topic."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @operation("Subscribe")
    async def subscribe(self, ctx: RequestContext, request: Request) -> Answer:
        """Subscribe an endpoint; one that is subscribed already is answered as if it were new."""
        key, protocol, endpoint = topic_key(request["TopicArn"]), request["Protocol"], request.get("Endpoint") or ""
        check_endpoint(key, protocol, endpoint)
        refusal = self._shop.links.endpoints.refusal(endpoint) if protocol in HTTP else None
        if refusal:
            raise invalid("Endpoint", refusal)
        attributes = subscription_attributes.checked(key, protocol, request.get("Attributes") or {})
        wanted = Subscription(
            arn=f"{key.arn}:{self._shop.ids.uuid()}",
            topic=key,
            protocol=protocol,
            endpoint=endpoint,
            owner=ctx.account,
            principal=ctx.principal.arn,
            base=ctx.endpoint,
            attributes=attributes,
            pending=_has_to_confirm(ctx, protocol, endpoint),
            authenticated=True,
        )

        def work(tx: Transaction) -> tuple[Topic, Subscription, bool]:
            topic = store.topic(tx, key)
            check_access(ctx, topic, "Subscribe", {"sns:protocol": protocol, "sns:endpoint": endpoint})
            store.delete_expired(tx, topic, self._shop.clock.now_ms())
            existing = store.same_subscription(tx, topic, protocol, endpoint)
            if existing is not None:
                if attributes and attributes != dict(existing.attributes):
                    raise invalid("Attributes", "Subscription already exists with different attributes")
                if not existing.pending:
                    return topic, existing, False
            made = self._asked(structs.replace(wanted, arn=existing.arn) if existing else wanted)
            store.put_subscription(tx, topic, made)
            self._check_filters(tx, topic)
            return topic, made, True

        topic, made, new = await self._shop.write(key, work)
        if made.pending and new:
            await self._send(topic, made, CONFIRMATION)
        told = made.arn if request.get("ReturnSubscriptionArn") or not made.pending else PENDING
        return {"SubscriptionArn": told}

    @operation("ConfirmSubscription")
    async def confirm_subscription(self, ctx: RequestContext, request: Request) -> Answer:
        """Confirm with the token that the endpoint was sent."""
        key, token = topic_key(request["TopicArn"]), request["Token"]
        arn = _arn_in(key, token)
        signed = bool(ctx.account)
        guarded = signed and str(request.get("AuthenticateOnUnsubscribe") or "").lower() == "true"

        def work(tx: Transaction) -> None:
            topic = store.topic(tx, key)
            try:
                found = store.subscription(tx, arn, self._shop.clock.now_ms())
            except NotFound:
                raise invalid("Token") from None
            if not hmac.compare_digest(found.token.encode(), token.encode()):
                raise invalid("Token")
            if found.pending:
                confirmed = structs.replace(found, pending=False, authenticated=signed, guarded=guarded)
                store.put_subscription(tx, topic, confirmed)

        await self._shop.write(key, work)
        return {"SubscriptionArn": arn}

    @operation("Unsubscribe")
    async def unsubscribe(self, ctx: RequestContext, request: Request) -> None:
        """End a subscription; one that is gone does not matter. An HTTP endpoint that was unsubscribed by its link is
        told, and may take it back."""
        arn = request["SubscriptionArn"]
        key = topic_of_subscription(arn)
        signed = bool(ctx.account)

        def work(tx: Transaction) -> tuple[Topic, Subscription] | None:
            topic = store.find_topic(tx, key)
            if topic is None:
                return None
            try:
                found = store.subscription(tx, arn, self._shop.clock.now_ms())
            except NotFound:
                return None
            _check_owner(ctx, found, signed or found.guarded)
            if signed or found.pending or found.protocol not in HTTP:
                store.delete_subscription(tx, topic, arn)
                return None
            ended = self._asked(structs.replace(found, pending=True))
            store.put_subscription(tx, topic, ended)
            return topic, ended

        ended = await self._shop.write(key, work)
        if ended is not None:
            await self._send(*ended, ENDED)

    @operation("GetSubscriptionAttributes")
    async def get_subscription_attributes(self, ctx: RequestContext, request: Request) -> Answer:
        """All attributes."""
        arn = request["SubscriptionArn"]

        def work(tx: Transaction) -> Answer:
            topic, found = self._found(tx, ctx, arn)
            return {"Attributes": subscription_attributes.shown(topic, found)}

        return await self._shop.database.read(work)

    @operation("SetSubscriptionAttributes")
    async def set_subscription_attributes(self, ctx: RequestContext, request: Request) -> None:
        """Set one attribute, or take it away; it holds for the next message."""
        arn, name, value = request["SubscriptionArn"], request["AttributeName"], request.get("AttributeValue") or ""

        def work(tx: Transaction) -> None:
            topic, found = self._found(tx, ctx, arn)
            merged = {**found.attributes, name: value}
            attributes = subscription_attributes.checked(topic.key, found.protocol, merged)
            store.put_subscription(tx, topic, structs.replace(found, attributes=attributes))
            self._check_filters(tx, topic)

        await self._shop.write(topic_of_subscription(arn), work)

    @operation("ListSubscriptions")
    async def list_subscriptions(self, ctx: RequestContext, request: Request) -> Answer:
        """The caller's subscriptions."""
        behind, now_ms = after(request), self._shop.clock.now_ms()
        owner = ctx.account, ctx.region
        found = await self._shop.database.read(lambda tx: store.of_owner_after(tx, owner, behind, now_ms, SIZE + 1))
        return page("Subscriptions", found, lambda each: each.arn, _listed)

    @operation("ListSubscriptionsByTopic")
    async def list_subscriptions_by_topic(self, ctx: RequestContext, request: Request) -> Answer:
        """The subscriptions of a topic."""
        key, behind, now_ms = topic_key(request["TopicArn"]), after(request), self._shop.clock.now_ms()

        def work(tx: Transaction) -> list[Subscription]:
            topic = store.topic(tx, key)
            check_access(ctx, topic, "ListSubscriptionsByTopic")
            return store.of_topic_after(tx, topic, behind, now_ms, SIZE + 1)

        return page("Subscriptions", await self._shop.database.read(work), lambda each: each.arn, _listed)

    def _found(self, tx: Transaction, ctx: RequestContext, arn: str) -> tuple[Topic, Subscription]:
        topic = store.find_topic(tx, topic_of_subscription(arn))
        if topic is None:
            raise no_topic()
        found = store.subscription(tx, arn, self._shop.clock.now_ms())
        _check_owner(ctx, found, True)
        return topic, found

    def _asked(self, subscription: Subscription) -> Subscription:
        """With a fresh token, if it has to be confirmed. The token names the subscription; the rest is secret."""
        if not subscription.pending:
            return subscription
        name = uuid.UUID(subscription.arn.rpartition(":")[2]).hex
        token = name + self._shop.ids.hex(TOKEN_DIGITS - len(name))
        return structs.replace(subscription, token=token, expires_ms=self._shop.clock.now_ms() + TOKEN_LIFE_MS)

    async def _send(self, topic: Topic, to: Subscription, kind: str) -> None:
        text, now_ms = TEXTS[kind].format(topic.arn), self._shop.clock.now_ms()
        message = Message(self._shop.ids.uuid(), topic.key, text, now_ms)
        payload = confirmation(topic, to, self._shop.links.signer, message, kind)
        await self._shop.links.outbox.put([delivery_of(topic, to, message, payload, kind)])

    def _check_filters(self, tx: Transaction, topic: Topic) -> None:
        most = self._shop.quotas.topic_filter_policies
        if sum("FilterPolicy" in each.attributes for each in store.confirmed(tx, topic)) > most:
            raise FilterPolicyLimitExceeded(f"A topic can have no more than {most} filter policies.")


def _has_to_confirm(ctx: RequestContext, protocol: str, endpoint: str) -> bool:
    if protocol in HTTP:
        return True
    own = account_of(protocol, endpoint) == ctx.account
    if protocol == FUNCTIONS and not own:
        raise invalid("Endpoint", "a function is subscribed by its own account")
    return not own


def _arn_in(key: TopicKey, token: str) -> str:
    """The subscription that a token names. Raises InvalidParameter."""
    try:
        return f"{key.arn}:{uuid.UUID(token[:32])}"
    except ValueError:
        raise invalid("Token") from None


def _check_owner(ctx: RequestContext, found: Subscription, needed: bool) -> None:
    """Raises AuthorizationError unless the caller owns the subscription or its topic."""
    if needed and ctx.account not in (found.owner, found.topic.account):
        raise AuthorizationError(f"User: {ctx.principal.arn} is not the owner of the subscription {found.arn}.")


def _listed(subscription: Subscription) -> Answer:
    return {
        "SubscriptionArn": PENDING_LISTED if subscription.pending else subscription.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription_attributes.endpoint_shown(subscription),
        "TopicArn": subscription.topic.arn,
    }
