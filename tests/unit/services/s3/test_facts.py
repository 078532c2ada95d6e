"""Tags and metadata, as S3's documentation says what they may be and its answers show them."""

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.s3.errors import S3Error
from lambent.services.s3.facts import checked_tags, metadata_of, tags_of_header
from lambent.services.s3.mail_safe import decoded, encoded


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))))
def test_a_value_of_any_characters_is_ascii_on_the_wire_and_comes_back(text: str) -> None:
    shown = encoded(text)
    assert shown.isascii()
    assert shown == text or decoded(shown) == text


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("plain", "plain"),
        (f"=?UTF-8?B?{b64encode('Ä'.encode()).decode()}?=", "Ä"),
        ("=?UTF-8?Q?=C3=84M=C3=84Z_S3?=", "ÄMÄZ S3"),
        ("=?UTF-8?B?no base64?=", "=?UTF-8?B?no base64?="),
        ("=?no-such-charset?Q?a?=", "=?no-such-charset?Q?a?="),
    ],
)
def test_metadata_is_decoded_by_rfc_2047_before_it_is_stored(header: str, kept: str) -> None:
    assert metadata_of({"Metadata": {"A": header}}) == {"a": kept}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ÄMÄZÕÑ S3", "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?="),
        ("a_b\u2014?", "=?UTF-8?Q?a=5Fb=E2=80=94=3F?="),
        ("ÄÖÜ", "=?UTF-8?B?w4TDlsOc?="),
        ("a\tb", "a\tb"),
    ],
)
def test_metadata_is_quoted_where_most_of_it_is_ascii(text: str, shown: str) -> None:
    """As S3 was recorded to answer."""
    assert encoded(text) == shown


@pytest.mark.parametrize("tags", [{"a?": "1"}, {"a": "<"}, {"a\n": ""}, {"": "1"}, {"aws:a": "1"}])
def test_tags_of_other_signs_are_refused(tags: dict[str, str]) -> None:
    """S3 User Guide: letters, white space, numbers and + - = . _ : / @."""
    with pytest.raises(S3Error) as caught:
        checked_tags(tags.items())
    assert caught.value.code == "InvalidTag"


def test_tags_of_any_script_are_kept() -> None:
    tags = {"ä_.:/=+-@ 1": "名前", "empty": ""}
    assert checked_tags(tags.items()) == tags


@pytest.mark.parametrize(
    ("header", "tags"), [("a", {"a": ""}), ("a&&&b=1", {"a": "", "b": "1"}), ("a=1%2B2", {"a": "1+2"}), ("", {})]
)
def test_tags_of_a_header_may_have_no_value(header: str, tags: dict[str, str]) -> None:
    """As S3 takes them."""
    assert tags_of_header(header) == tags


@pytest.mark.parametrize("header", ["a=1&a=2", "a=1,b=2"])
def test_a_header_of_tags_in_another_form_is_refused(header: str) -> None:
    with pytest.raises(S3Error, match="without tag name duplicates") as caught:
        tags_of_header(header)
    assert caught.value.code == "InvalidArgument"
