"""Layers: what is published, listed, shared, used by functions, and kept while it is used.

Source: Lambda service model; Lambda Developer Guide, "Working with Lambda layers"; recorded answers of
the service (behaviours sheet section 6) for the refusals.
"""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.config import Settings
from lambent.errors import ServiceError
from lambent.services.lambda_.code import KEPT_AFTER_USE_S
from lambent.services.lambda_.errors import InvalidParameter, NotFound
from lambent.services.lambda_.layer_model import LAYER_ARN, layer_named, layer_version_of

ARN = "arn:aws:lambda:us-east-1:000000000000:layer"


async def publish(house: Any, package: Any, name: str = "l", text: str = "x = 1", **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await house.call(
        "PublishLayerVersion", LayerName=name, Content={"ZipFile": package({"python/m.py": text})}, **more
    )
    return answer


async def refused(call: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call
    return caught.value


async def test_versions_count_up_and_a_number_is_never_given_again(house: Any, package: Any) -> None:
    assert [(await publish(house, package, text=str(n)))["Version"] for n in range(3)] == [1, 2, 3]
    await house.call("DeleteLayerVersion", LayerName="l", VersionNumber=3)
    assert (await publish(house, package))["Version"] == 4
    listed = await house.call("ListLayerVersions", LayerName=f"{ARN}:l")
    assert [each["Version"] for each in listed["LayerVersions"]] == [4, 2, 1]


async def test_what_was_published_is_shown_by_number_and_by_arn(house: Any, package: Any) -> None:
    made = await publish(house, package, Description="d", LicenseInfo="MIT", CompatibleRuntimes=["python3.12"])
    assert made["LayerVersionArn"] == f"{ARN}:l:1"
    assert made["LayerArn"] == f"{ARN}:l"
    assert (made["Description"], made["LicenseInfo"], made["CompatibleRuntimes"]) == ("d", "MIT", ["python3.12"])
    shown = await house.call("GetLayerVersion", LayerName="l", VersionNumber=1)
    assert shown == made == await house.call("GetLayerVersionByArn", Arn=f"{ARN}:l:1")
    path, _, query = shown["Content"]["Location"].partition("?")
    data = await house.service.downloads.download(path.removeprefix("http://here:4566"), query)
    assert len(data) == shown["Content"]["CodeSize"]


async def test_lists_show_the_newest_version_that_suits(house: Any, package: Any) -> None:
    await publish(house, package, "a", CompatibleRuntimes=["python3.12"], CompatibleArchitectures=["x86_64"])
    await publish(house, package, "a", "y", CompatibleRuntimes=["python3.13"])
    await publish(house, package, "b")
    every = await house.call("ListLayers")
    assert [(each["LayerName"], each["LatestMatchingVersion"]["Version"]) for each in every["Layers"]] == [
        ("a", 2),
        ("b", 1),
    ]
    suited = await house.call("ListLayers", CompatibleRuntime="python3.12", CompatibleArchitecture="x86_64")
    assert [each["LatestMatchingVersion"]["Version"] for each in suited["Layers"]] == [1]
    first = await house.call("ListLayers", MaxItems=1)
    second = await house.call("ListLayers", MaxItems=1, Marker=first["NextMarker"])
    assert ([each["LayerName"] for each in second["Layers"]], second.get("NextMarker")) == (["b"], None)


async def test_what_is_not_there_and_what_is_no_number(house: Any, package: Any) -> None:
    error = await refused(house.call("GetLayerVersion", LayerName="l", VersionNumber=1))
    assert (error.code, error.message) == ("ResourceNotFoundException", "The resource you requested does not exist.")
    error = await refused(house.call("GetLayerVersion", LayerName="l", VersionNumber=0))
    assert error.message == "Layer Version Cannot be less than 1."
    await house.call("DeleteLayerVersion", LayerName="l", VersionNumber=9)
    assert (await refused(house.call("GetLayerVersionPolicy", LayerName="l", VersionNumber=1))).status == 404


async def test_a_function_uses_layers_in_order_and_shows_them(house: Any, package: Any) -> None:
    arns = [(await publish(house, package, name, name))["LayerVersionArn"] for name in ("a", "b")]
    made = await house.create(Layers=arns)
    assert [layer["Arn"] for layer in made["Layers"]] == arns
    snapshot = await house.service.data_plane.snapshot(house.key(), "")
    await house.call("UpdateFunctionConfiguration", FunctionName="f", Layers=arns[::-1])
    await house.service.settle()
    other = await house.service.data_plane.snapshot(house.key(), "")
    assert snapshot.environment_key != other.environment_key
    cleared = await house.call("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
    assert "Layers" not in cleared


@pytest.mark.parametrize(
    ("arns", "words"),
    [
        ([f"{ARN}:l{n}:1" for n in range(6)], "Cannot reference more than 5 layers."),
        ([f"{ARN}:none:1"], f"Layer version {ARN}:none:1 does not exist."),
        ([f"{ARN}:a:1", f"{ARN}:a:2"], f"{ARN}:a:1 and {ARN}:a:2 are versions of the same layer."),
        (["arn:aws:lambda:eu-west-1:000000000000:layer:a:1"], "Layers are not in the same region as the function."),
        (["arn:aws:lambda:us-east-1:111111111111:layer:a:1"], "not authorized to perform: lambda:GetLayerVersion"),
    ],
)
async def test_layers_that_cannot_be_used_are_refused_and_nothing_is_made(
    house: Any, package: Any, arns: list[str], words: str
) -> None:
    await publish(house, package, "a")
    await publish(house, package, "a", "2")
    assert words in (await refused(house.create(Layers=arns))).message
    assert (await house.call("ListFunctions"))["Functions"] == []


async def test_a_deleted_layer_version_lives_on_while_a_function_uses_it(house: Any, package: Any) -> None:
    arn = (await publish(house, package))["LayerVersionArn"]
    await house.create(Layers=[arn])
    await house.call("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    await house.clock.advance(KEPT_AFTER_USE_S + 1)
    assert await house.service.collect_code(()) == []
    assert "does not exist" in (await refused(house.create("g", Layers=[arn]))).message
    await house.call("DeleteFunction", FunctionName="f")
    assert len(await house.service.collect_code(())) == 2


async def test_code_and_layers_together_have_a_limit(house: Any, package: Any, settings: Settings) -> None:
    arn = (await publish(house, package, text="x" * 5000))["LayerVersionArn"]
    quotas = settings.quotas.model_copy(update={"unzipped_bytes": 5010})
    house.settings = settings.model_copy(update={"quotas": quotas})
    await house.service.close()
    await house.build()
    error = await refused(house.create(Layers=[arn]))
    assert "Function code combined with layers exceeds the maximum allowed size of 5010 bytes." in error.message
    await house.create()
    assert (await refused(house.call("UpdateFunctionConfiguration", FunctionName="f", Layers=[arn]))).code == error.code


async def test_without_walls_layers_are_refused(house: Any, package: Any, settings: Settings) -> None:
    arn = (await publish(house, package))["LayerVersionArn"]
    house.settings = settings.model_copy(update={"isolation": "process"})
    await house.service.close()
    await house.build()
    assert "without walls" in (await refused(house.create(Layers=[arn]))).message


async def test_another_account_may_use_what_the_policy_shares(house: Any, package: Any) -> None:
    arn = (await publish(house, package))["LayerVersionArn"]
    ours = house.context
    principal = msgspec.structs.replace(ours.principal, account="111111111111", arn="arn:aws:iam::111111111111:root")
    theirs = msgspec.structs.replace(ours, account="111111111111", principal=principal)
    house.context = theirs
    assert (await refused(house.call("GetLayerVersionByArn", Arn=arn))).code == "AccessDeniedException"
    house.context = ours
    permission = {"LayerName": "l", "VersionNumber": 1, "Action": "lambda:GetLayerVersion"}
    await house.call("AddLayerVersionPermission", StatementId="s", Principal="111111111111", **permission)
    house.context = theirs
    assert (await house.call("GetLayerVersionByArn", Arn=arn))["Version"] == 1
    assert (await refused(house.call("DeleteLayerVersion", LayerName=arn[:-2], VersionNumber=1))).status == 403


async def test_a_permission_for_an_organization_holds_for_nobody(house: Any, package: Any) -> None:
    await publish(house, package)
    answer = await house.call(
        "AddLayerVersionPermission",
        LayerName="l",
        VersionNumber=1,
        Action="lambda:GetLayerVersion",
        StatementId="o",
        Principal="*",
        OrganizationId="o-1234567890",
    )
    assert json.loads(answer["Statement"])["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}
    principal = msgspec.structs.replace(house.context.principal, account="1" * 12, arn=f"arn:aws:iam::{'1' * 12}:root")
    house.context = msgspec.structs.replace(house.context, account="1" * 12, principal=principal)
    assert (await refused(house.call("GetLayerVersionByArn", Arn=f"{ARN}:l:1"))).status == 403


async def test_the_policy_of_a_layer_version_has_revisions(house: Any, package: Any) -> None:
    await publish(house, package)
    where = {"LayerName": "l", "VersionNumber": 1}
    one = {"Action": "lambda:GetLayerVersion", "Principal": "*", **where}
    first = await house.call("AddLayerVersionPermission", StatementId="a", **one)
    again = await refused(house.call("AddLayerVersionPermission", StatementId="a", **one))
    assert (again.code, again.status) == ("ResourceConflictException", 409)
    stale = await refused(house.call("AddLayerVersionPermission", StatementId="b", RevisionId="x", **one))
    assert "Call the GetLayerPolicy API" in stale.message
    await house.call("AddLayerVersionPermission", StatementId="b", RevisionId=first["RevisionId"], **one)
    shown = await house.call("GetLayerVersionPolicy", **where)
    assert json.loads(shown["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "lambda:GetLayerVersion"}
            | {"Resource": f"{ARN}:l:1"}
            for sid in "ab"
        ],
    }
    for sid in "ab":
        await house.call("RemoveLayerVersionPermission", StatementId=sid, **where)
    gone = await refused(house.call("GetLayerVersionPolicy", **where))
    assert gone.message == "No policy is associated with the given resource."


@settings(max_examples=50)
@given(st.one_of(st.text(max_size=90), st.from_regex(LAYER_ARN, fullmatch=True)))
def test_any_text_as_a_layer_is_understood_or_refused(text: str) -> None:
    for parse in (lambda: layer_named(text, "0" * 12, "us-east-1"), lambda: layer_version_of(text)):
        with contextlib.suppress(InvalidParameter, NotFound):
            parse()
