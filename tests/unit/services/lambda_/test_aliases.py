"""Aliases and what they change for versions.

Sources: Lambda service model; behaviours sections 5, 6, 10 (texts recorded from the real service).
"""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.pages import Place, marker_of, place_of

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
FORMS = ("f:live", "000000000000:function:f:live", f"{ARN}:live")


@pytest.fixture
async def published(house: Any) -> Any:
    """A function with the versions 1 and 2."""
    await house.create()
    await house.call("PublishVersion", FunctionName="f")
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await house.service.settle()
    await house.call("PublishVersion", FunctionName="f")
    return house


async def test_an_alias_is_made_told_moved_and_deleted(published: Any) -> None:
    made = await published.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert made == {
        "AliasArn": f"{ARN}:live", "Name": "live", "FunctionVersion": "1", "Description": "",
        "RevisionId": made["RevisionId"],
    }  # fmt: skip
    assert await published.call("GetAlias", FunctionName="f", Name="live") == made
    moved = await published.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2", Description="d")
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "d")
    assert moved["RevisionId"] != made["RevisionId"]
    assert (await published.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="1"))[
        "Description"
    ] == "d"
    await published.call("DeleteAlias", FunctionName="f", Name="live")
    await published.call("DeleteAlias", FunctionName="f", Name="live")
    with pytest.raises(ServiceError, match=f"^Cannot find alias arn: {ARN}:live$"):
        await published.call("GetAlias", FunctionName="f", Name="live")


async def test_a_move_is_announced_before_it_is_acknowledged(published: Any) -> None:
    await published.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    published.invalidator.told.clear()
    await published.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    assert published.invalidator.told == [published.key()]
    snapshot = await published.service.data_plane.snapshot(published.key(), "live")
    assert (snapshot.version, snapshot.invoked_arn, snapshot.timeout_s) == ("2", f"{ARN}:live", 9)


@pytest.mark.parametrize("form", FORMS)
async def test_an_alias_is_a_qualifier_in_every_form(published: Any, form: str) -> None:
    await published.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    told = await published.call("GetFunctionConfiguration", FunctionName=form)
    assert (told["FunctionArn"], told["Version"]) == (f"{ARN}:live", "1")
    whole = await published.call("GetFunction", FunctionName=form, Qualifier="live")
    assert whole["Configuration"]["FunctionArn"] == f"{ARN}:live"


async def test_a_second_version_has_a_weight(published: Any) -> None:
    routing = {"AdditionalVersionWeights": {"2": 0.25}}
    made = await published.call("CreateAlias", FunctionName="f", Name="a", FunctionVersion="1", RoutingConfig=routing)
    assert made["RoutingConfig"] == routing
    snapshot = await published.service.data_plane.snapshot(published.key(), "a")
    assert (snapshot.version, snapshot.other.version, snapshot.other_weight) == ("1", "2", 0.25)
    assert snapshot.other.invoked_arn == f"{ARN}:a"
    kept = await published.call("UpdateAlias", FunctionName="f", Name="a", Description="d")
    assert kept["RoutingConfig"] == routing
    none: dict[str, Any] = {"AdditionalVersionWeights": {}}
    assert "RoutingConfig" not in await published.call("UpdateAlias", FunctionName="f", Name="a", RoutingConfig=none)


ONE_TWICE = "Invalid function version 1. Function version 1 is already included in routing configuration."
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"FunctionVersion": "9"}, "ResourceNotFoundException", f"Function not found: {ARN}:9"),
    ({"FunctionVersion": "0"}, "ResourceNotFoundException", f"Function not found: {ARN}:0"),
    ({"weights": {"9": 0.1}}, "ResourceNotFoundException", f"Function not found: {ARN}:9"),
    ({"weights": {"1": 0.1}}, "InvalidParameterValueException", ONE_TWICE),
    (
        {"weights": {"1": 0.1, "2": 0.1}}, "InvalidParameterValueException",
        "Number of items in AdditionalVersionWeights cannot be greater than 1",
    ),
    (
        {"FunctionVersion": "$LATEST", "weights": {"2": 0.1}}, "InvalidParameterValueException",
        "$LATEST is not supported for an alias pointing to more than 1 version",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "code", "message"), BAD, ids=str)
async def test_what_an_alias_cannot_lead_to_is_refused_and_changes_nothing(
    published: Any, wanted: dict[str, Any], code: str, message: str
) -> None:
    parameters = {"FunctionVersion": "1", **wanted}
    if "weights" in parameters:
        parameters["RoutingConfig"] = {"AdditionalVersionWeights": parameters.pop("weights")}
    with pytest.raises(ServiceError) as caught:
        await published.call("CreateAlias", FunctionName="f", Name="a", **parameters)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert await published.call("ListAliases", FunctionName="f") == {"Aliases": []}


async def test_names_are_unique_and_revisions_are_checked(published: Any) -> None:
    made = await published.call("CreateAlias", FunctionName="f", Name="a", FunctionVersion="1")
    with pytest.raises(ServiceError, match=f"^Alias already exists: {ARN}:a$"):
        await published.call("CreateAlias", FunctionName="f", Name="a", FunctionVersion="2")
    with pytest.raises(ServiceError, match=f"^Alias not found: {ARN}:b$"):
        await published.call("UpdateAlias", FunctionName="f", Name="b")
    with pytest.raises(ServiceError) as caught:
        await published.call("UpdateAlias", FunctionName="f", Name="a", RevisionId="other")
    assert caught.value.code == "PreconditionFailedException"
    await published.call("UpdateAlias", FunctionName="f", Name="a", RevisionId=made["RevisionId"])
    for operation in ("GetAlias", "DeleteAlias", "UpdateAlias"):
        with pytest.raises(ServiceError, match="Function not found"):
            await published.call(operation, FunctionName="nobody", Name="a")


async def test_a_version_that_an_alias_leads_to_cannot_be_deleted(published: Any) -> None:
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    await published.call("CreateAlias", FunctionName="f", Name="a", FunctionVersion="1", RoutingConfig=routing)
    for version in ("1", "2"):
        with pytest.raises(ServiceError, match=r"following aliases reference it: \[a\]$") as caught:
            await published.call("DeleteFunction", FunctionName="f", Qualifier=version)
        assert caught.value.code == "ResourceConflictException"
    with pytest.raises(ServiceError, match="Deletion of aliases is not currently supported"):
        await published.call("DeleteFunction", FunctionName="f:a")
    await published.call("DeleteAlias", FunctionName="f", Name="a")
    await published.call("DeleteFunction", FunctionName="f", Qualifier="1")
    versions = (await published.call("ListVersionsByFunction", FunctionName="f"))["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "2"]


async def test_aliases_go_with_their_function(published: Any) -> None:
    await published.call("CreateAlias", FunctionName="f", Name="a", FunctionVersion="1")
    await published.call("DeleteFunction", FunctionName="f")
    await published.create()
    assert await published.call("ListAliases", FunctionName="f") == {"Aliases": []}


async def test_lists_come_in_pages_and_by_version(published: Any) -> None:
    for number in range(7):
        await published.call("CreateAlias", FunctionName="f", Name=f"a{number}", FunctionVersion=str(1 + number % 2))
    names: list[str] = []
    marker: dict[str, Any] = {}
    while True:
        page = await published.call("ListAliases", FunctionName="f", MaxItems=3, **marker)
        names += [alias["Name"] for alias in page["Aliases"]]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert names == [f"a{number}" for number in range(7)]
    only = await published.call("ListAliases", FunctionName="f", FunctionVersion="2")
    assert [alias["Name"] for alias in only["Aliases"]] == ["a1", "a3", "a5"]


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_any_marker_is_understood_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidParameter):
        assert marker_of(place_of({"Marker": text}))
    assert place_of({"Marker": marker_of(Place(text))}).name == text


async def test_nothing_new_is_published_when_nothing_changed(published: Any) -> None:
    again = await published.call("PublishVersion", FunctionName="f", Description="other words")
    assert again["Version"] == "2"
    with pytest.raises(ServiceError) as caught:
        await published.call("PublishVersion", FunctionName="f", RevisionId="other")
    assert caught.value.code == "PreconditionFailedException"
    with pytest.raises(ServiceError, match="CodeSHA256") as caught:
        await published.call("PublishVersion", FunctionName="f", CodeSha256="AAAA")
    assert caught.value.code == "InvalidParameterValueException"
