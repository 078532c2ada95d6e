"""DeliveryPolicy of topics and of HTTP subscriptions: how deliveries are retried. Pure.

Source: SNS Developer Guide, "Creating an HTTP/S delivery policy" (members, ranges, defaults) and "Amazon SNS message
delivery retries" (queues and functions: 3 retries at once, 2 a second apart, 10 that grow from 1 to 20 s, 100,000
every 20 s; all deliveries to an HTTP endpoint end after an hour).
"""

from collections.abc import Mapping
from typing import Any

from msgspec import DecodeError, Struct, json

from lambent.delivery.api import Pace
from lambent.services.sns.errors import InvalidParameter, invalid, refused

PATIENT = Pace(3, 2, 100_000, 1.0, 20.0, "exponential")
PATIENT_RETRIES, PATIENT_AGE_S = 100_015, 23 * 86_400
HTTP_AGE_S = 3_600
CONTENT_TYPE = "text/plain; charset=UTF-8"
CURVES = ("arithmetic", "exponential", "geometric", "linear")
DEFAULTS: Mapping[str, Any] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
RANGES = {"minDelayTarget": (1, 3_600), "maxDelayTarget": (1, 3_600), "numRetries": (0, 100)}
COUNTS = ("numMaxDelayRetries", "numNoDelayRetries", "numMinDelayRetries")


class HttpPolicy(Struct, frozen=True):
    """How one HTTP endpoint is served."""

    retries: int
    pace: Pace
    content_type: str


def check_for_topic(text: str) -> None:
    """Raises InvalidParameter for a DeliveryPolicy that a topic cannot have; NotImplementedByLambent."""
    policy = _object(text)
    _check_names(policy, {"http"})
    http = policy.get("http") or {}
    _check_names(
        http,
        {"defaultHealthyRetryPolicy", "disableSubscriptionOverrides", "defaultRequestPolicy", "defaultThrottlePolicy"},
    )
    if http.get("defaultThrottlePolicy"):
        raise refused("The throttle policy of HTTP endpoints")
    if not isinstance(http.get("disableSubscriptionOverrides", False), bool):
        raise _bad("disableSubscriptionOverrides must be a boolean")
    _check_parts(http.get("defaultHealthyRetryPolicy"), http.get("defaultRequestPolicy"))


def check_for_subscription(text: str) -> None:
    """The same for a subscription."""
    policy = _object(text)
    _check_names(policy, {"healthyRetryPolicy", "requestPolicy", "throttlePolicy", "sicklyRetryPolicy", "guaranteed"})
    if policy.get("throttlePolicy") or policy.get("sicklyRetryPolicy"):
        raise refused("The throttle policy of HTTP endpoints")
    _check_parts(policy.get("healthyRetryPolicy"), policy.get("requestPolicy"))


def effective(topic_text: str, own_text: str) -> dict[str, Any]:
    """The EffectiveDeliveryPolicy of a subscription: its own, else its topic's, else the default."""
    http = (json.decode(topic_text) if topic_text else {}).get("http") or {}
    own = json.decode(own_text) if own_text and not http.get("disableSubscriptionOverrides") else {}
    retry = own.get("healthyRetryPolicy") or http.get("defaultHealthyRetryPolicy") or {}
    request = own.get("requestPolicy") or http.get("defaultRequestPolicy") or {}
    return {
        "healthyRetryPolicy": {**DEFAULTS, **retry},
        "sicklyRetryPolicy": None,
        "throttlePolicy": None,
        "requestPolicy": {"headerContentType": CONTENT_TYPE, **request},
        "guaranteed": False,
    }


def effective_of_topic(topic_text: str) -> dict[str, Any]:
    """The EffectiveDeliveryPolicy of a topic."""
    http = (json.decode(topic_text) if topic_text else {}).get("http") or {}
    found = effective(topic_text, "")
    return {
        "http": {
            "defaultHealthyRetryPolicy": found["healthyRetryPolicy"],
            "disableSubscriptionOverrides": bool(http.get("disableSubscriptionOverrides")),
            "defaultRequestPolicy": found["requestPolicy"],
        }
    }


def http_policy(topic_text: str, own_text: str) -> HttpPolicy:
    """What the effective policy means."""
    found = effective(topic_text, own_text)
    retry = found["healthyRetryPolicy"]
    pace = Pace(
        retry["numNoDelayRetries"],
        retry["numMinDelayRetries"],
        retry["numMaxDelayRetries"],
        float(retry["minDelayTarget"]),
        float(retry["maxDelayTarget"]),
        retry["backoffFunction"],
    )
    return HttpPolicy(retry["numRetries"], pace, found["requestPolicy"]["headerContentType"])


def _check_parts(retry: Any, request: Any) -> None:
    if retry is not None:
        _check_retry(retry)
    if request is None:
        return
    _check_names(request, {"headerContentType"})
    content_type = request.get("headerContentType", CONTENT_TYPE)
    if not isinstance(content_type, str) or not content_type.isascii() or not content_type.isprintable():
        raise _bad("headerContentType must be a media type")


def _check_retry(retry: Any) -> None:
    _check_names(retry, set(DEFAULTS))
    whole = {**DEFAULTS, **retry}
    for name in (*RANGES, *COUNTS):
        least, most = RANGES.get(name, (0, whole["numRetries"] if isinstance(whole["numRetries"], int) else 0))
        if type(whole[name]) is not int or not least <= whole[name] <= most:
            raise _bad(f"{name} must be a whole number from {least} to {most}")
    if whole["minDelayTarget"] > whole["maxDelayTarget"]:
        raise _bad("minDelayTarget must be less than or equal to maxDelayTarget")
    if sum(whole[name] for name in COUNTS) > whole["numRetries"]:
        raise _bad("numRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and "
                   "numMaxDelayRetries")  # fmt: skip
    if whole["backoffFunction"] not in CURVES:
        raise _bad(f"backoffFunction must be one of {', '.join(CURVES)}")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.decode(text)
    except (DecodeError, RecursionError):
        raise _bad("it is not JSON") from None
    if not isinstance(found, dict):
        raise _bad("it is not a JSON object")
    return found


def _check_names(part: Any, names: set[str]) -> None:
    if not isinstance(part, dict):
        raise _bad("its parts are JSON objects")
    unknown = sorted(set(part) - names)
    if unknown:
        raise _bad(f"unexpected JSON member: {unknown[0]}")


def _bad(reason: str) -> InvalidParameter:
    return invalid(f"DeliveryPolicy: {reason}")
