"""The models' patterns. Source: `pattern` traits of botocore's models, which are Java regular expressions."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.protocol.models import load_model
from lambent.protocol.patterns import SAME_TEXTS, UNCHECKED, matcher

SERVICES = (
    "lambda", "logs", "cloudwatch", "iam", "sts", "sqs", "sns", "s3", "dynamodb", "dynamodbstreams", "kinesis",
    "events", "scheduler", "apigateway", "apigatewayv2", "cloudformation", "ssm",
)  # fmt: skip
ATTACKS = ("a", "0", " ", "-", "/", ":", ".", "a-", "a.", "a/", "a:", "ab ", "%41", "\t", "a\t ", "::", "arn:aws-a",
           ":000000000000", "-a:a:")  # fmt: skip


def patterns() -> set[str]:
    found: set[str] = set()
    for service in SERVICES:
        shapes = load_model(service)._service_description["shapes"]
        found |= {shape["pattern"] for shape in shapes.values() if "pattern" in shape}
    return found


ALL = patterns()


def test_every_pattern_compiles_or_is_named_in_the_table() -> None:
    for pattern in ALL:
        matcher(pattern)
    assert ALL > UNCHECKED
    assert set(SAME_TEXTS) < ALL


def test_no_pattern_backtracks_without_end() -> None:
    for pattern in ALL:
        started_s = time.process_time()
        for piece in ATTACKS:
            for start in ("", "arn:aws:"):
                matcher(pattern)(start + (piece * 4096)[:4080] + "\x01")
        assert time.process_time() - started_s < 20.0, pattern  # hours, where one does


def test_a_value_matches_whole_or_not_at_all() -> None:
    matches = matcher("^[0-9]+$")
    assert matches("12")
    assert not matches("12\n")
    assert not matcher("[a-z]+|x")("ab1")


def test_words_are_ascii_and_letters_are_not() -> None:
    assert not matcher(r"[\w]+")("\u00e9")
    tag = matcher(r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)")
    assert tag("\u00e9 \u4e2d\u00a05_/@")
    assert not tag("a;b")


def test_only_plain_classes_take_texts_of_any_length() -> None:
    assert matcher(r"[\s\S]*")("x" * 100_000)
    assert not matcher(r"\/?.+\/.+")("a/" + "x" * 100_000)


@pytest.mark.parametrize("pattern", sorted(p for p in SAME_TEXTS if p.startswith("^")))
def test_replacements_accept_the_same_texts(pattern: str) -> None:
    original = re.compile(pattern)

    @settings(max_examples=150)
    @given(st.text(st.sampled_from("a \t:\x01\x7f~\u00e9"), max_size=8))
    def same(text: str) -> None:
        assert bool(original.fullmatch(text)) == bool(matcher(pattern)(text))

    same()
