"""Traits that few services use, on a small model, through botocore's serializers and parsers.

Source: `jsonvalue`, `flattened`, `timestampFormat`, `locationName` traits as botocore reads them.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from lambent.model.http import HttpRequest
from lambent.protocol.failures import Unmodelled, Unparsable
from lambent.protocol.parse_query import QueryReader, form_of
from lambent.protocol.rest_request import header_items
from lambent.protocol.wires import Wire

MOMENT = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
MEMBERS: dict[str, Any] = {
    "Claims": {"shape": "Json", "jsonvalue": True, "location": "header", "locationName": "X-Claims"},
    "Words": {"shape": "Words", "location": "header", "locationName": "X-Words"},
    "Since": {"shape": "Time", "location": "header", "locationName": "X-Since"},
    "At": {"shape": "Time", "timestampFormat": "iso8601"},
    "Number": {"shape": "Number", "locationName": "n"},
    "Pairs": {"shape": "Pairs", "flattened": True, "locationName": "Pair"},
    "Meta": {"shape": "Pairs", "location": "headers", "locationName": "X-Meta-"},
}
SHAPES: dict[str, Any] = {
    "Both": {"type": "structure", "members": MEMBERS},
    "Json": {"type": "string"},
    "Words": {"type": "list", "member": {"shape": "Json"}},
    "Time": {"type": "timestamp"},
    "Number": {"type": "double"},
    "Pairs": {
        "type": "map",
        "key": {"shape": "Json", "locationName": "K"},
        "value": {"shape": "Json", "locationName": "V"},
    },
}
VALUE: dict[str, Any] = {
    "Claims": {"a": [1, None]},
    "Words": ["plain", "a,b"],
    "Since": MOMENT,
    "At": MOMENT,
    "Number": 2.5,
    "Meta": {"k": "v"},
}


def model(protocol: str) -> ServiceModel:
    metadata = {
        "protocol": protocol, "serviceId": "T", "endpointPrefix": "t", "apiVersion": "1", "jsonVersion": "1.0",
        "targetPrefix": "T", "xmlNamespace": "urn:t",
    }  # fmt: skip
    shape = {"shape": "Both", "locationName": "Both"}
    operation = {"name": "Do", "http": {"method": "POST", "requestUri": "/do"}, "input": shape, "output": shape}
    return ServiceModel({"metadata": metadata, "operations": {"Do": operation}, "shapes": SHAPES}, "t")


@pytest.mark.parametrize("protocol", ["rest-json", "rest-xml"])
def test_rare_traits_are_read_as_botocore_writes_them(protocol: str) -> None:
    value = VALUE | ({"Pairs": {"a": "b", "c": "d"}} if protocol == "rest-xml" else {})
    made = create_serializer(protocol).serialize_to_request(value, model(protocol).operation_model("Do"))
    headers = [(key.lower(), text) for key, text in made["headers"].items()]
    request = HttpRequest("POST", "/do", "", headers, made["body"])
    assert Wire(model(protocol)).parse("Do", request) == value


@pytest.mark.parametrize("protocol", ["rest-json", "rest-xml"])
def test_rare_traits_are_written_as_botocore_reads_them(protocol: str) -> None:
    value = VALUE | {"Words": ["plain", "b"], "Pairs": {"a": "b", "c": "d"}}
    answer = Wire(model(protocol)).answer("Do", value, HttpRequest("POST", "/do", "", []), "id")
    response = {"headers": HeadersDict(answer.headers), "status_code": 200, "body": answer.body}
    parsed = create_parser(protocol).parse(response, model(protocol).operation_model("Do").output_shape)
    parsed.pop("ResponseMetadata")
    assert parsed == value


def test_no_value_can_add_a_header() -> None:
    value = {"Words": ["a\r\nset-cookie: x"], "Meta": {"k\r\ny": "v\nz"}}
    answer = Wire(model("rest-json")).answer("Do", value, HttpRequest("POST", "/do", "", []), "id")
    assert not any(bad in key + text for key, text in answer.headers for bad in "\r\n\0")


@pytest.mark.parametrize("protocol", ["rest-json", "rest-xml", "json", "query", "smithy-rpc-v2-cbor"])
def test_an_output_that_the_model_lacks_is_a_bug(protocol: str) -> None:
    with pytest.raises(Unmodelled):
        Wire(model(protocol)).answer("Do", {"Extra": 1}, HttpRequest("POST", "/do", "", []), "id")


def test_members_that_are_none_are_left_out() -> None:
    answer = Wire(model("json")).answer("Do", {"Number": None}, HttpRequest("POST", "/", "", []), "id")
    assert answer.body == b"{}"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_lacks_travel_as_words(number: str) -> None:
    wire = Wire(model("json"))
    request = HttpRequest("POST", "/", "", [], b'{"n":"' + number.encode() + b'"}')
    value = wire.parse("Do", request)["Number"]
    assert str(value) == str(float(number))
    assert wire.answer("Do", {"Number": value}, request, "id").body == request.body


def test_items_of_lists_in_headers_may_be_quoted() -> None:
    assert header_items('a, "b,\\"c" ,d') == ["a", 'b,"c', "d"]
    with pytest.raises(Unparsable):
        header_items('"open, a')


def test_forms_are_trees() -> None:
    assert form_of("A.B.1=x&A.B.2=y&C=") == {"A": {"B": {"1": "x", "2": "y"}}, "C": ""}
    assert form_of("A=1&A.B=2&A=3") == {"A": {"B": "2"}}


def test_lists_in_forms_are_in_the_order_of_their_numbers() -> None:
    words = model("query").shape_for("Words")
    read = QueryReader().of(words)
    assert read(form_of("W.member.10=c&W.member.2=b&W.member.1=a")["W"]) == ["a", "b", "c"]
    assert read("") == []
    for wrong in ("W.member.x=1", "W.member.-1=1", "W.member.\u0661=1"):
        with pytest.raises(Unparsable):
            read(form_of(wrong)["W"])


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<Both><n>&b;</n></Both>"
)


@pytest.mark.parametrize(
    "body",
    [BOMB, BOMB.decode().replace("1.0\"?>", '1.0" encoding="UTF-16"?>').encode("utf-16"), b"<a>" * 200 + b"</a>" * 200,
     b"<Both>", b"\xff\xfe", b"<Both/><Both/>", b'<?xml version="1.0" encoding="no-such"?><a/>'],
)  # fmt: skip
def test_hostile_xml_is_refused(body: bytes) -> None:
    with pytest.raises(Unparsable) as caught:
        Wire(model("rest-xml")).parse("Do", HttpRequest("POST", "/do", "", [], body))
    assert caught.value.code == "MalformedXML"


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    value = {"Pairs": {"a\x00b": "c\x1b\ud800\r"}}
    answer = Wire(model("query")).answer("Do", value, HttpRequest("POST", "/", "", []), "id")
    response = {"headers": HeadersDict(answer.headers), "status_code": 200, "body": answer.body}
    parsed = create_parser("query").parse(response, model("query").operation_model("Do").output_shape)
    assert parsed["Pairs"] == {"a\ufffdb": "c\ufffd?\r"}
