"""Who may come in: claims, keys of issuers, and what functions say.

Sources: API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers" and "... with AWS Lambda
authorizers"; OpenID Connect Discovery 1.0.
"""

import asyncio
import contextlib
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.gateway.apis.authorizer_policy import BadVerdict
from lambent.gateway.apis.authorizers.answers import Verdict, Verdicts, verdict_of
from lambent.gateway.apis.authorizers.jwt import as_text, problem, scopes_of
from lambent.gateway.apis.authorizers.keys import AGAIN_S, KEPT_S, IssuerKeys
from lambent.model.apis import JwtAuthorizer
from lambent.model.http import HttpResponse, Outgoing

WANTED = JwtAuthorizer("a", "https://id.example", ("shop", "till"), "$request.header.Authorization")
CLAIMS = {"iss": "https://id.example", "aud": "shop", "exp": 200, "nbf": 50, "iat": 50}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ARN = "arn:aws:execute-api:us-east-1:111111111111:abc/prod/GET/pets"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"aud": ["other", "till"]}, ""),
        ({"aud": None, "client_id": "shop"}, ""),
        ({"nbf": None, "iat": None}, ""),
        ({"iss": "https://id.example/"}, "invalid issuer"),
        ({"aud": "other", "client_id": "shop"}, "invalid audience"),
        ({"aud": None}, "invalid audience"),
        ({"exp": 100}, "the token has expired"),
        ({"exp": None}, "the token has expired"),
        ({"nbf": 101}, "the token is not valid yet"),
        ({"iat": 101}, "the token is not valid yet"),
        ({"exp": "200"}, "a time is no number"),
        ({"exp": True}, "a time is no number"),
    ],
)
def test_each_claim_is_checked(change: dict[str, Any], why: str) -> None:
    claims = {name: value for name, value in {**CLAIMS, **change}.items() if value is not None}
    assert problem(claims, WANTED, 100.0) == why


def test_claims_are_text_in_the_event_and_scopes_a_list() -> None:
    assert [as_text(value) for value in ("a", 7, True, ["a", 1], {"a": 1}, None)] == [
        "a",
        "7",
        "true",
        "[a 1]",
        '{"a":1}',
        "null",
    ]
    assert scopes_of({"scope": "a b"}) == scopes_of({"scp": ["a", "b"]}) == ["a", "b"]
    assert scopes_of({}) == []


class Issuer:
    """An OpenID provider."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False
        self.silent: asyncio.Event | None = None
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        other = ec.generate_private_key(ec.SECP256R1()).public_key()
        curve = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(other))
        self.keys: Any = [{**public, "kid": "one"}, {**public, "kid": "enc", "use": "enc"}, {**curve, "kid": "ec"}]

    async def send(self, what: Outgoing) -> HttpResponse:
        self.asked.append(what.url)
        if self.silent is not None:
            await self.silent.wait()
        if self.away:
            raise OSError("nobody there")
        told = {"keys": self.keys} if what.url.endswith("/keys") else {"jwks_uri": "https://id.example/keys"}
        return HttpResponse(200, [], json.dumps(told).encode())


async def test_keys_are_kept_and_asked_for_again_when_another_is_named() -> None:
    issuer, clock = Issuer(), FakeClock()
    keys = IssuerKeys(issuer.send, clock)
    assert await keys.key("https://id.example/", "one") is not None
    assert issuer.asked == ["https://id.example/.well-known/openid-configuration", "https://id.example/keys"]
    assert await keys.key("https://id.example/", "") is not None  # its only one
    assert await keys.key("https://id.example/", "ec") is None
    assert len(issuer.asked) == 2  # not again so soon
    await clock.advance(AGAIN_S + 1)
    issuer.keys.append({**issuer.keys[0], "kid": "two"})
    assert await keys.key("https://id.example/", "two") is not None
    await clock.advance(KEPT_S + 1)
    issuer.away = True
    assert await keys.key("https://id.example/", "one") is not None  # what was known goes on
    assert len(issuer.asked) == 5


async def test_who_has_a_key_does_not_wait_for_who_names_an_unknown_one() -> None:
    issuer, clock = Issuer(), FakeClock()
    keys = IssuerKeys(issuer.send, clock)
    assert await keys.key("i", "one") is not None
    await clock.advance(AGAIN_S + 1)
    issuer.silent = asyncio.Event()
    stranger = asyncio.create_task(keys.key("i", "two"))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(keys.key("i", "one"), 60) is not None
    issuer.silent.set()
    assert await stranger is None


@pytest.mark.parametrize("keys", [None, 7, [7], [{"kty": "RSA", "n": "!"}], [{"kty": "RSA"}]])
async def test_a_key_set_without_a_form_has_no_keys(keys: Any) -> None:
    issuer = Issuer()
    issuer.keys = keys
    assert await IssuerKeys(issuer.send, FakeClock()).key("https://id.example", "one") is None


def test_a_simple_answer_and_a_policy_decide() -> None:
    assert verdict_of(b'{"isAuthorized": true, "context": {"a": 1}}', simple=True) == Verdict({"a": 1}, True)
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ARN}
    told = {"principalId": "p", "policyDocument": {"Statement": [statement]}}
    verdict = verdict_of(json.dumps(told).encode(), simple=False)
    assert verdict.lets(ARN, {})
    assert not verdict.lets(ARN + "/7", {})
    denied = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:execute-api:*:*:other/*"}
    told["policyDocument"] = {"Statement": [statement, denied]}
    assert not verdict_of(json.dumps(told).encode(), simple=False).lets(ARN, {})


@pytest.mark.parametrize("simple", [True, False])
@pytest.mark.parametrize(
    "payload", [b"7", b"{", b"{}", b'{"isAuthorized": "true"}', b'{"principalId": 7}', b'{"principalId": "p"}']
)
def test_an_answer_of_no_form_is_bad(payload: bytes, simple: bool) -> None:
    with pytest.raises(BadVerdict):
        verdict_of(payload, simple=simple)


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.sampled_from(["Allow", "Deny", ARN, "*"]),
        lambda each: (
            st.lists(each, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    ["Statement", "Effect", "Action", "NotAction", "Resource", "Condition", "StringEquals"]
                ),
                each,
                max_size=4,
            )
        ),
        max_leaves=10,
    )
)
def test_no_policy_does_anything_else_than_be_judged_or_refused(document: Any) -> None:
    told = json.dumps({"principalId": "p", "policyDocument": document}).encode()
    with contextlib.suppress(BadVerdict):
        verdict_of(told, simple=False).lets(ARN, {})


async def test_verdicts_are_good_for_a_while_and_go_with_their_api() -> None:
    clock = FakeClock()
    verdicts, verdict = Verdicts(clock), Verdict({}, True)
    verdicts.put(("abc", "a", "ann"), verdict, 10)
    verdicts.put(("xyz", "a", "ann"), verdict, 10)
    assert verdicts.get(("abc", "a", "ann")) is verdict
    assert verdicts.get(("abc", "a", "bob")) is None
    verdicts.forget(["abc"])
    assert verdicts.get(("abc", "a", "ann")) is None
    await clock.advance(10)
    assert verdicts.get(("xyz", "a", "ann")) is None
