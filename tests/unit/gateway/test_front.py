"""The list of stages: what each may give back, and that one failure is told in one way wherever it happens."""

import asyncio
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.errors import Unavailable, ValidationError
from lambent.gateway.dispatch import Dispatcher
from lambent.gateway.exchange import LATER, Exchange, Stage
from lambent.gateway.front import Front
from lambent.gateway.http.streams import Response
from lambent.ids import FakeIds
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.messages import Forwarded
from lambent.model.principal import Principal

REQUEST = HttpRequest("GET", "/2015-03-31/functions/f", "", [("host", "h")])
ANSWER = HttpResponse(204, [])


async def ask(*stages: Stage) -> HttpResponse:
    answers: list[Response] = []
    Front(stages, FakeIds(), FakeClock())(REQUEST, "127.0.0.1", answers.append)
    for _ in range(10):
        await asyncio.sleep(0)
    (answer,) = answers
    assert isinstance(answer, HttpResponse)
    return answer


def not_mine(_: Exchange) -> None:
    return None


async def not_mine_either(_: Exchange) -> None:
    await asyncio.sleep(0)


def at_once(_: Exchange) -> HttpResponse:
    return ANSWER


async def soon(_: Exchange) -> HttpResponse:
    await asyncio.sleep(0)
    return ANSWER


def later(exchange: Exchange) -> Any:
    asyncio.get_running_loop().call_soon(exchange.answer, ANSWER)
    return LATER


def never(_: Exchange) -> None:
    raise AssertionError("a stage was asked after the answer")


@pytest.mark.parametrize("stage", [at_once, soon, later])
async def test_the_first_stage_that_answers_ends_it(stage: Stage) -> None:
    assert await ask(not_mine, not_mine_either, stage, never) is ANSWER


@pytest.mark.parametrize("waits", [True, False])
async def test_what_a_stage_raises_is_answered_in_the_form_of_the_service(waits: bool) -> None:
    def fail(_: Exchange) -> Any:
        raise ValidationError("no")

    async def fail_soon(exchange: Exchange) -> None:
        fail(exchange)

    answer = await ask(fail_soon if waits else fail)
    assert answer.status == 400
    assert b"no" in answer.body


async def test_a_bug_is_an_internal_failure_without_its_details() -> None:
    answer = await ask(never)
    assert answer.status == 500
    assert b"asked after" not in answer.body


async def test_no_answer_at_all_is_a_failure_of_ours() -> None:
    assert (await ask(not_mine)).status == 500


async def test_a_part_that_restarts_is_one_answer_in_the_edge_and_in_control() -> None:
    async def away(*_: Any) -> Any:
        raise Unavailable("no agent")

    there = await ask(away)
    forwarded = Forwarded(
        request=HttpRequest("GET", "/2015-03-31/functions/f", "", []),
        principal=Principal("000000000000", "arn:aws:iam::000000000000:root", "r"),
        service="lambda",
        region="us-east-1",
        request_id="r",
        endpoint="http://h",
        source_ip="",
    )
    here = await Dispatcher({"lambda": {"GetFunction": away}}, FakeClock()).answer(forwarded)
    assert (there.status, there.body) == (here.status, here.body)
    assert there.status == 503
