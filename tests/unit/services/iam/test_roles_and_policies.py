"""Roles, inline and managed policies. Source: IAM API Reference, the page of each operation."""

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest

from lambent.errors import AccessDenied
from lambent.services.iam.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    LimitExceeded,
    MalformedPolicyDocument,
    NoSuchEntity,
)

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
DOCUMENT = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}'
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


async def test_a_role_answers_with_its_trust_policy_encoded(iam: Any) -> None:
    made = (await iam("CreateRole", RoleName="r", Path="/service-role/", AssumeRolePolicyDocument=TRUST))["Role"]
    assert re.fullmatch(r"AROA[A-Z2-7]{17}", made["RoleId"])
    assert made["Arn"] == "arn:aws:iam::123456789012:role/service-role/r"
    assert made["MaxSessionDuration"] == 3600
    assert unquote(made["AssumeRolePolicyDocument"]) == TRUST
    assert "{" not in made["AssumeRolePolicyDocument"]
    got = (await iam("GetRole", RoleName="r"))["Role"]
    assert {**made, "RoleLastUsed": {}} == got
    assert (await iam("ListRoles", PathPrefix="/service-role/"))["Roles"] == [made]
    with pytest.raises(EntityAlreadyExists, match="Role with name R already exists"):
        await iam("CreateRole", RoleName="R", AssumeRolePolicyDocument=TRUST)


async def test_a_role_is_changed_in_parts(iam: Any) -> None:
    await iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST, Description="one")
    await iam("UpdateRole", RoleName="r", MaxSessionDuration=7200)
    await iam("UpdateRoleDescription", RoleName="r", Description="two")
    other = TRUST.replace("lambda.", "events.")
    await iam("UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=other)
    role = (await iam("GetRole", RoleName="r"))["Role"]
    assert (role["MaxSessionDuration"], role["Description"]) == (7200, "two")
    assert unquote(role["AssumeRolePolicyDocument"]) == other


async def test_a_role_with_policies_cannot_be_deleted(iam: Any, doors: Any) -> None:
    await iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    await iam("AttachRolePolicy", RoleName="r", PolicyArn=BASIC)
    await iam("PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument=DOCUMENT)
    with pytest.raises(DeleteConflict, match="must detach all policies first"):
        await iam("DeleteRole", RoleName="r")
    await iam("DetachRolePolicy", RoleName="r", PolicyArn=BASIC)
    with pytest.raises(DeleteConflict, match="must delete policies first"):
        await iam("DeleteRole", RoleName="r")
    await iam("DeleteRolePolicy", RoleName="r", PolicyName="p")
    await iam("DeleteRole", RoleName="r")
    assert doors.told == [[]]
    with pytest.raises(NoSuchEntity, match="The role with name r cannot be found"):
        await iam("GetRole", RoleName="r")


async def test_inline_policies_are_put_replaced_and_listed(iam: Any) -> None:
    await iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    for name in ("b", "a", "c", "a"):
        await iam("PutRolePolicy", RoleName="r", PolicyName=name, PolicyDocument=DOCUMENT)
    first = await iam("ListRolePolicies", RoleName="r", MaxItems=2)
    assert first["PolicyNames"] == ["a", "b"]
    assert (await iam("ListRolePolicies", RoleName="r", Marker=first["Marker"]))["PolicyNames"] == ["c"]
    got = await iam("GetRolePolicy", RoleName="r", PolicyName="a")
    assert unquote(got["PolicyDocument"]) == DOCUMENT
    long = DOCUMENT.replace("s3:Get*", "s3:" + "G" * 10_240)
    with pytest.raises(LimitExceeded, match="Maximum policy size of 10240 bytes exceeded for role r"):
        await iam("PutRolePolicy", RoleName="r", PolicyName="d", PolicyDocument=long)


async def test_a_managed_policy_has_versions_up_to_five(iam: Any) -> None:
    policy = (await iam("CreatePolicy", PolicyName="p", Path="/x/", PolicyDocument=DOCUMENT))["Policy"]
    arn = policy["Arn"]
    assert arn == "arn:aws:iam::123456789012:policy/x/p"
    assert re.fullmatch(r"ANPA[A-Z2-7]{17}", policy["PolicyId"])
    for _ in range(4):
        await iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DOCUMENT)
    with pytest.raises(LimitExceeded, match="can have up to 5 versions"):
        await iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DOCUMENT)
    await iam("DeletePolicyVersion", PolicyArn=arn, VersionId="v5")
    last = await iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DOCUMENT, SetAsDefault=True)
    assert (last["PolicyVersion"]["VersionId"], last["PolicyVersion"]["IsDefaultVersion"]) == ("v6", True)
    assert (await iam("GetPolicy", PolicyArn=arn))["Policy"]["DefaultVersionId"] == "v6"
    versions = (await iam("ListPolicyVersions", PolicyArn=arn))["Versions"]
    assert [version["VersionId"] for version in versions] == ["v6", "v4", "v3", "v2", "v1"]
    with pytest.raises(DeleteConflict, match="Cannot delete the default version of a policy"):
        await iam("DeletePolicyVersion", PolicyArn=arn, VersionId="v6")
    await iam("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v1")
    got = (await iam("GetPolicyVersion", PolicyArn=arn, VersionId="v1"))["PolicyVersion"]
    assert got["IsDefaultVersion"]
    assert unquote(got["Document"]) == DOCUMENT
    with pytest.raises(NoSuchEntity):
        await iam("GetPolicyVersion", PolicyArn=arn, VersionId="v5")


async def test_an_attached_or_versioned_policy_cannot_be_deleted(iam: Any) -> None:
    arn = (await iam("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT))["Policy"]["Arn"]
    await iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    await iam("CreateUser", UserName="u")
    for _ in range(2):
        await iam("AttachRolePolicy", RoleName="r", PolicyArn=arn)
    await iam("AttachUserPolicy", UserName="u", PolicyArn=arn)
    assert (await iam("GetPolicy", PolicyArn=arn))["Policy"]["AttachmentCount"] == 2
    entities = await iam("ListEntitiesForPolicy", PolicyArn=arn)
    assert [user["UserName"] for user in entities["PolicyUsers"]] == ["u"]
    assert [role["RoleName"] for role in entities["PolicyRoles"]] == ["r"]
    with pytest.raises(DeleteConflict, match="Cannot delete a policy attached to entities"):
        await iam("DeletePolicy", PolicyArn=arn)
    await iam("DetachRolePolicy", RoleName="r", PolicyArn=arn)
    await iam("DetachUserPolicy", UserName="u", PolicyArn=arn)
    await iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DOCUMENT)
    with pytest.raises(DeleteConflict, match="more than one version"):
        await iam("DeletePolicy", PolicyArn=arn)
    await iam("DeletePolicyVersion", PolicyArn=arn, VersionId="v2")
    await iam("DeletePolicy", PolicyArn=arn)
    with pytest.raises(NoSuchEntity):
        await iam("GetPolicy", PolicyArn=arn)


async def test_aws_own_policies_exist_and_cannot_be_changed(iam: Any) -> None:
    await iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    await iam("AttachRolePolicy", RoleName="r", PolicyArn=BASIC)
    attached = (await iam("ListAttachedRolePolicies", RoleName="r"))["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}]
    assert (await iam("GetPolicy", PolicyArn=BASIC))["Policy"]["Path"] == "/service-role/"
    version = (await iam("GetPolicyVersion", PolicyArn=BASIC, VersionId="v1"))["PolicyVersion"]
    assert json.loads(unquote(version["Document"]))["Statement"][0]["Action"] == [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ]
    with pytest.raises(AccessDenied):
        await iam("DeletePolicy", PolicyArn=BASIC)
    only = await iam("ListPolicies", OnlyAttached=True)
    assert [policy["Arn"] for policy in only["Policies"]] == [BASIC]
    assert (await iam("ListPolicies", Scope="Local"))["Policies"] == []


async def test_ten_policies_for_each_role_and_no_more(iam: Any) -> None:
    await iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    made = [await iam("CreatePolicy", PolicyName=f"p{n}", PolicyDocument=DOCUMENT) for n in range(11)]
    for policy in made[:10]:
        await iam("AttachRolePolicy", RoleName="r", PolicyArn=policy["Policy"]["Arn"])
    await iam("AttachRolePolicy", RoleName="r", PolicyArn=made[0]["Policy"]["Arn"])
    with pytest.raises(LimitExceeded, match="Cannot exceed quota for PoliciesPerRole: 10"):
        await iam("AttachRolePolicy", RoleName="r", PolicyArn=made[10]["Policy"]["Arn"])


async def test_roles_and_policies_have_tags(iam: Any) -> None:
    tag = {"Key": "k", "Value": "v"}
    await iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=[tag])
    arn = (await iam("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT))["Policy"]["Arn"]
    await iam("TagPolicy", PolicyArn=arn, Tags=[tag])
    assert (await iam("ListRoleTags", RoleName="r"))["Tags"] == [tag]
    assert (await iam("GetPolicy", PolicyArn=arn))["Policy"]["Tags"] == [tag]
    await iam("UntagRole", RoleName="r", TagKeys=["k"])
    await iam("UntagPolicy", PolicyArn=arn, TagKeys=["k"])
    assert (
        (await iam("ListRoleTags", RoleName="r"))["Tags"] == (await iam("ListPolicyTags", PolicyArn=arn))["Tags"] == []
    )


async def test_a_broken_document_is_refused_before_anything_is_kept(iam: Any) -> None:
    with pytest.raises(MalformedPolicyDocument):
        await iam("CreateRole", RoleName="r", AssumeRolePolicyDocument="{}")
    with pytest.raises(NoSuchEntity):
        await iam("GetRole", RoleName="r")
    with pytest.raises(LimitExceeded, match="Cannot exceed quota for PolicySize: 6144"):
        await iam("CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT.replace("Get*", "G" * 6_144))
