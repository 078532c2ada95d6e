"""Names and ARNs. Source: Lambda service model (FunctionName); recordings of the real service."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import AccessDenied, ServiceError, ValidationError
from lambent.model.function import FunctionKey
from lambent.model.function_name import (
    MismatchedQualifier,
    NotInThisRegion,
    function_arn,
    one_qualifier,
    parse_function_name,
)

ACCOUNT, REGION = "000000000000", "us-east-1"
names = st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True)
qualifiers = st.one_of(st.just(""), st.just("$LATEST"), st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True))


@settings(max_examples=100)
@given(names.filter(lambda name: name != "function"), qualifiers)
def test_every_form_of_a_name_leads_to_the_same_function(name: str, qualifier: str) -> None:
    tail = f":{qualifier}" if qualifier else ""
    expected = (FunctionKey(ACCOUNT, REGION, name), qualifier)
    for text in (
        f"{name}{tail}",
        f"{ACCOUNT}:function:{name}{tail}",
        f"{function_arn(expected[0])}{tail}",
        function_arn(expected[0], qualifier),
    ):
        assert parse_function_name(text, ACCOUNT, REGION) == expected


@settings(max_examples=200)
@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused_in_words(text: str) -> None:
    try:
        key, _ = parse_function_name(text, ACCOUNT, REGION)
    except ServiceError:
        return
    assert key.account == ACCOUNT
    assert key.region == REGION
    assert key.name in text


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "a/b", "../a", "a:b:c", "name:", ":name", "naïve", "a\n", "१२३४५६७८९०१२:function:x",
     "arn:aws:lambda:us-east-1:function:x", "arn:aws:s3:us-east-1:000000000000:function:x", "x" * 65],
)  # fmt: skip
def test_illegal_names_are_validation_errors(text: str) -> None:
    with pytest.raises(ValidationError, match="1 validation error detected: Value '"):
        parse_function_name(text, ACCOUNT, REGION)


def test_an_arn_of_another_region_is_not_reachable() -> None:
    with pytest.raises(NotInThisRegion) as caught:
        parse_function_name("arn:aws:lambda:eu-west-1:000000000000:function:f", ACCOUNT, REGION)
    assert caught.value.message == "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    assert caught.value.code == "ResourceNotFoundException"


def test_an_arn_of_another_account_is_denied() -> None:
    with pytest.raises(AccessDenied):
        parse_function_name("arn:aws:lambda:us-east-1:111111111111:function:f", ACCOUNT, REGION)


def test_two_qualifiers_have_to_agree() -> None:
    assert one_qualifier("1", "1") == one_qualifier("", "1") == one_qualifier("1", "") == "1"
    with pytest.raises(MismatchedQualifier, match="does not match the specified qualifier"):
        one_qualifier("1", "2")
    with pytest.raises(ValidationError):
        one_qualifier("", "a b")
