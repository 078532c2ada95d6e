"""Custom domain names of REST APIs, which are those of API Gateway v2, and how many there may be of anything.

Sources: API Gateway API Reference, "CreateDomainName", "CreateBasePathMapping" and "UpdateBasePathMapping"; messages
from public reports of them; "Amazon API Gateway quotas".
"""

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ServiceError
from lambent.services.apigateway import domain_names, patch

if TYPE_CHECKING:
    from tests.unit.services.apigateway.conftest import House

NAME = {"domainName": "api.example.com"}


def replace(path: str, value: str) -> dict[str, Any]:
    return {"patchOperations": [{"op": "replace", "path": path, "value": value}]}


async def test_a_domain_name_is_shown_in_the_words_of_version_1(house: "House") -> None:
    made = await house.ask("CreateDomainName", **NAME, tags={"a": "b"}, endpointConfiguration={"types": ["REGIONAL"]})
    assert made["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert (made["domainNameStatus"], made["tags"]) == ("AVAILABLE", {"a": "b"})
    assert made["regionalDomainName"].startswith("d-")
    assert await house.ask("GetDomainName", **NAME) == made
    assert await house.ask("UpdateDomainName", **NAME, **replace("/securityPolicy", "TLS_1_2")) == made
    arn = {"resourceArn": made["domainNameArn"]}
    await house.ask("TagResource", **arn, tags={"c": "d"})
    await house.ask("UntagResource", **arn, tagKeys=["a"])
    assert (await house.ask("GetTags", **arn))["tags"] == {"c": "d"}
    await house.ask("DeleteDomainName", **NAME)
    assert await house.refused("GetDomainName", **NAME) == (
        "NotFoundException",
        "Invalid domain name identifier specified api.example.com",
    )


@pytest.mark.parametrize(
    "members",
    [
        {"certificateArn": "arn:aws:acm:us-east-1:1:certificate/a"},
        {"regionalCertificateArn": "arn:aws:acm:us-east-1:1:certificate/a"},
        {"mutualTlsAuthentication": {"truststoreUri": "s3://a/b"}},
        {"endpointConfiguration": {"types": ["EDGE"]}},
        {"endpointConfiguration": {"types": ["PRIVATE"]}},
        {"policy": "{}"},
    ],
)
async def test_what_cannot_be_carried_out_is_refused_by_name(house: "House", members: dict[str, Any]) -> None:
    assert (await house.refused("CreateDomainName", **NAME, **members))[0] == "NotImplemented"
    assert (await house.ask("GetDomainNames"))["items"] == []


async def test_base_paths_lead_to_stages_and_are_the_mappings_of_version_2(house: "House") -> None:
    await house.mock()
    await house.ask("CreateDomainName", **NAME)
    make = {**NAME, "restApiId": house.api, "stage": "prod"}
    shop = await house.ask("CreateBasePathMapping", **make, basePath="shop")
    assert shop == {"basePath": "shop", "restApiId": house.api, "stage": "prod"}
    assert (await house.ask("CreateBasePathMapping", **make, basePath="(none)"))["basePath"] == "(none)"
    assert "stage" not in await house.ask("CreateBasePathMapping", **NAME, restApiId=house.api, basePath="any")
    assert await house.refused("CreateBasePathMapping", **make, basePath="shop") == (
        "ConflictException",
        "Base path already exists for this domain name",
    )
    for members, message in (
        ({"restApiId": "none"}, "Invalid REST API identifier specified"),
        ({"stage": "none"}, "Invalid stage identifier specified none"),
        ({"basePath": "a/b"}, "API Gateway V1 doesn't support the slash character (/) in base path mappings. To "
                              "create a multi-level base path mapping, use API Gateway V2."),
    ):  # fmt: skip
        wrong = {"basePath": "more"} | make | members
        assert await house.refused("CreateBasePathMapping", **wrong) == ("BadRequestException", message)
    told = {(each.key, each.stage) for each in (await house.v2.domains())["api.example.com"]}
    assert told == {("shop", "prod"), ("", "prod"), ("any", "")}
    await house.ask("UpdateBasePathMapping", **NAME, basePath="shop", **replace("/basePath", "store"))
    await house.ask("UpdateBasePathMapping", **NAME, basePath="store", **replace("/stage", "(none)"))
    found = await house.ask("GetBasePathMapping", **NAME, basePath="store")
    assert found == {"basePath": "store", "restApiId": house.api}
    first = await house.ask("GetBasePathMappings", **NAME, limit=2)
    rest = await house.ask("GetBasePathMappings", **NAME, limit=2, position=first["position"])
    assert [each["basePath"] for each in first["items"] + rest["items"]] == ["(none)", "any", "store"]
    await house.ask("DeleteBasePathMapping", **NAME, basePath="(none)")
    for lost in ("(none)", "shop"):
        code, message = await house.refused("GetBasePathMapping", **NAME, basePath=lost)
        assert (code, message) == ("NotFoundException", "Invalid base path mapping identifier specified")


async def test_what_a_domain_name_leads_to_stays(house: "House") -> None:
    await house.mock()
    await house.ask("CreateDomainName", **NAME)
    await house.ask("CreateBasePathMapping", **NAME, restApiId=house.api, stage="prod")
    code, message = await house.refused("DeleteRestApi", restApiId=house.api)
    assert (code, message) == (
        "BadRequestException",
        f"Deleting RestApi {house.api} failed. Please remove all base path mappings related to the RestApi in your "
        "domains: api.example.com.",
    )
    assert (await house.refused("DeleteStage", restApiId=house.api, stageName="prod"))[0] == "BadRequestException"
    await house.ask("DeleteDomainName", **NAME)
    await house.ask("DeleteRestApi", restApiId=house.api)


async def test_there_are_no_more_of_anything_than_the_quotas_say(house: "House") -> None:
    await house.mock()
    for at in range(3):
        await house.ask("CreateDomainName", domainName=f"a{at}.example.com")
        await house.ask("CreateApiKey", name=f"k{at}")
        await house.ask("CreateResource", restApiId=house.api, parentId=house.root, pathPart=f"p{at}")
    await house.ask("CreateDeployment", restApiId=house.api, stageName="second")
    for name in ("a", "b"):
        await house.ask("CreateUsagePlan", name=name)
        await house.ask("CreateRestApi", name=name)
    for operation, members in (
        ("CreateDomainName", {"domainName": "a3.example.com"}),
        ("CreateApiKey", {"name": "k3"}),
        ("CreateResource", {"restApiId": house.api, "parentId": house.root, "pathPart": "p3"}),
        ("CreateStage", {"restApiId": house.api, "stageName": "third", "deploymentId": house.deployment}),
        ("CreateDeployment", {"restApiId": house.api, "stageName": "third"}),
        ("CreateUsagePlan", {"name": "c"}),
        ("CreateRestApi", {"name": "c"}),
    ):
        code, _ = await house.refused(operation, **members)
        assert code in ("LimitExceededException", "TooManyRequestsException"), operation
    assert len((await house.ask("GetDomainNames"))["items"]) == 3


@settings(max_examples=50)
@given(
    st.sampled_from(["add", "remove", "replace", "copy", ""]),
    st.sampled_from(["/basePath", "/stage", "/restapiId", "/certificateArn", "/endpointConfiguration/types/0", "/"]),
    st.text(max_size=8),
)
def test_any_patch_is_carried_out_or_refused(op: str, path: str, value: str) -> None:
    for rules in (domain_names.RULES, domain_names.MAPPING_RULES):
        with contextlib.suppress(ServiceError):
            assert isinstance(patch.patched({}, [{"op": op, "path": path, "value": value}], rules), dict)
