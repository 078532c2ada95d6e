"""Who gets at a bucket: its policy, nobody in particular, pages of other sites, and forms that browsers post."""

import json
import uuid
from typing import Any

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError


@pytest.fixture
def bucket(bucket: str, s3: Any) -> str:
    """With one object, which has a tag."""
    s3.put_object(Bucket=bucket, Key="there", Body=b"there", Tagging="kind=open")
    return bucket


@pytest.fixture
def nobody(platform: Any) -> Any:
    config = Config(signature_version=UNSIGNED)
    return boto3.client("s3", endpoint_url=platform.endpoint, region_name="us-east-1", config=config)


def code_of(call: Any, **parameters: Any) -> str:
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def policy(bucket: str, *statements: dict[str, Any]) -> str:
    base = {"Effect": "Allow", "Principal": "*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [base | each for each in statements]})


def test_nobody_reads_before_a_policy_lets_the_public_in(s3: Any, nobody: Any, bucket: str) -> None:
    """S3 User Guide, "Blocking public access": new buckets have all four settings on."""
    assert code_of(nobody.get_object, Bucket=bucket, Key="there") == "AccessDenied"
    assert code_of(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    text = policy(bucket, {"Action": "s3:GetObject"})
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy=text) == "AccessDenied"
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": False, "RestrictPublicBuckets": True}
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    assert code_of(nobody.get_object, Bucket=bucket, Key="there") == "AccessDenied"
    s3.delete_public_access_block(Bucket=bucket)
    assert code_of(s3.get_public_access_block, Bucket=bucket) == "NoSuchPublicAccessBlockConfiguration"
    assert nobody.get_object(Bucket=bucket, Key="there")["Body"].read() == b"there"
    assert code_of(nobody.get_object, Bucket=bucket, Key="nothing") == "AccessDenied"
    for name, call in (("put", nobody.put_object), ("delete", nobody.delete_object)):
        assert code_of(call, Bucket=bucket, Key="there") == "AccessDenied", name
    assert code_of(nobody.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(text)
    s3.delete_bucket_policy(Bucket=bucket)
    assert code_of(nobody.get_object, Bucket=bucket, Key="there") == "AccessDenied"


def test_nobody_is_told_that_a_bucket_is_missing_and_makes_none(platform: Any, s3: Any, nobody: Any) -> None:
    """S3 API reference, list of error codes: NoSuchBucket is told before rights are asked."""
    name = f"missing-{uuid.uuid4().hex[:12]}"
    for call in (nobody.get_object, nobody.put_object, nobody.delete_object):
        assert code_of(call, Bucket=name, Key="k") == "NoSuchBucket"
    assert code_of(nobody.list_objects_v2, Bucket=name) == "NoSuchBucket"
    assert code_of(nobody.head_bucket, Bucket=name) == "404"
    assert code_of(nobody.create_bucket, Bucket=name) == "AccessDenied"
    assert code_of(s3.head_bucket, Bucket=name) == "404"
    form = httpx.post(f"{platform.endpoint}/{name}", data={"key": "k"}, files={"file": b"1"})
    assert form.status_code in (403, 404)
    other = httpx.get(f"{platform.endpoint}/2015-03-31/functions")
    assert other.headers["x-amzn-errortype"].startswith("MissingAuthenticationToken")


def test_nobody_writes_and_lists_where_the_policy_says_so(s3: Any, nobody: Any, bucket: str) -> None:
    s3.delete_public_access_block(Bucket=bucket)
    listing = {
        "Action": "s3:ListBucket",
        "Resource": f"arn:aws:s3:::{bucket}",
        "Condition": {"StringEquals": {"s3:prefix": "in/"}},
    }
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(bucket, {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/in/*"}, listing),
    )
    nobody.put_object(Bucket=bucket, Key="in/large", Body=b"x" * 100_000)
    assert code_of(nobody.put_object, Bucket=bucket, Key="out", Body=b"x") == "AccessDenied"
    assert [each["Key"] for each in nobody.list_objects_v2(Bucket=bucket, Prefix="in/")["Contents"]] == ["in/large"]
    assert code_of(nobody.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert s3.get_object(Bucket=bucket, Key="in/large")["ContentLength"] == 100_000


def test_a_policy_that_denies_all_can_be_taken_back(s3: Any, bucket: str) -> None:
    everything = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, everything))
    assert code_of(s3.list_objects_v2, Bucket=bucket) == "AccessDenied"
    s3.delete_bucket_policy(Bucket=bucket)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_policies_ask_for_what_the_request_says(platform: Any, s3: Any, nobody: Any, bucket: str) -> None:
    """S3 User Guide, "Examples of Amazon S3 bucket policies" (referer, user agent) and S3 API reference, "Bucket policy
    examples using Signature Version 4 related condition keys"."""
    s3.delete_public_access_block(Bucket=bucket)
    address = f"{platform.endpoint}/{bucket}/there"
    link = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "there"})

    def judged(*statements: dict[str, Any], **headers: str) -> list[int]:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, *({"Action": "s3:*"} | each for each in statements)))
        return [httpx.get(address, headers=headers).status_code, httpx.get(link, headers=headers).status_code]

    shop = {"Condition": {"StringLike": {"aws:Referer": ["https://shop.example/*"]}}}
    assert judged(shop) == [403, 200]
    assert judged(shop, referer="https://shop.example/list") == [200, 200]
    robots = {"Effect": "Deny", "Condition": {"StringLike": {"aws:UserAgent": "*Robot*"}}}
    assert judged({}, robots) == [200, 200]
    assert judged({}, robots, **{"user-agent": "A Robot/1"}) == [403, 403]
    for operator, key, values, got in (
        ("DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", [403, 200]),
        ("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", [200, 200]),
        ("NumericGreaterThan", "aws:EpochTime", "1577836800", [200, 200]),
        ("ForAnyValue:StringEquals", "s3:RequestObjectTagKeys", "kind", [403, 200]),
        ("StringEquals", "s3:ExistingObjectTag/kind", "open", [200, 200]),
    ):
        assert judged({"Condition": {operator: {key: values}}}) == got, key
    for operator, key, values, got in (
        ("StringEquals", "s3:authType", "REST-QUERY-STRING", [200, 403]),
        ("StringNotEquals", "s3:authType", "REST-HEADER", [403, 403]),
        ("StringNotEquals", "s3:signatureversion", "AWS4-HMAC-SHA256", [403, 403]),  # boto3's link is of version 2
        ("NumericGreaterThanIfExists", "s3:signatureAge", "600000", [403, 200]),
        ("Null", "s3:ExistingObjectTag/kind", "false", [403, 403]),
    ):
        assert judged({}, {"Effect": "Deny", "Condition": {operator: {key: values}}}) == got, key
    once = {"Effect": "Deny", "Action": "s3:PutObject", "Condition": {"Null": {"s3:if-none-match": "true"}}}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, once))
    assert code_of(s3.put_object, Bucket=bucket, Key="new") == "AccessDenied"
    assert code_of(s3.put_object, Bucket=bucket, Key="new", IfNoneMatch="*") == ""
    assert code_of(s3.put_object, Bucket=bucket, Key="new", IfNoneMatch="*") == "PreconditionFailed"


def test_all_but_those_who_are_named_are_denied(platform: Any, s3: Any, bucket: str) -> None:
    """IAM User Guide, "NotPrincipal" (a role is excepted with its account), "IAM policy elements: Variables and tags",
    and "AWS global condition context keys": aws:PrincipalArn of a session is its role's."""
    iam, sts = platform.client("iam"), platform.client("sts")
    name, account = f"r-{uuid.uuid4().hex[:12]}", sts.get_caller_identity()["Account"]
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(
        RoleName=name, Path="/deep/", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"} | trust)
    )["Role"]["Arn"]
    made = sts.assume_role(RoleArn=role, RoleSessionName="one")["Credentials"]
    session = boto3.client(
        "s3",
        endpoint_url=platform.endpoint,
        region_name="us-east-1",
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )

    def reads(**statement: Any) -> list[str]:
        text = policy(bucket, {"Effect": "Deny", "Action": "s3:GetObject"} | statement)
        if "NotPrincipal" in statement:
            text = text.replace('"Principal": "*", ', "")
        s3.put_bucket_policy(Bucket=bucket, Policy=text)
        return [code_of(who.get_object, Bucket=bucket, Key="there") for who in (session, s3)]

    assert reads(NotPrincipal={"AWS": [role, account]}) == ["", ""]  # the account is its root
    assert reads(NotPrincipal={"AWS": account}) == ["AccessDenied", ""]
    assert reads(NotPrincipal={"AWS": [role]}) == ["AccessDenied", "AccessDenied"]
    assert reads(Condition={"ArnEquals": {"aws:PrincipalArn": role}}) == ["AccessDenied", ""]
    assert reads(Condition={"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/deep/*"}}) == ["", "AccessDenied"]
    assert reads(Resource=f"arn:aws:s3:::{bucket}/${{aws:PrincipalType}}/*") == ["", ""]
    session.put_object(Bucket=bucket, Key="AssumedRole/k")
    assert code_of(session.get_object, Bucket=bucket, Key="AssumedRole/k") == "AccessDenied"
    assert code_of(s3.get_object, Bucket=bucket, Key="AssumedRole/k") == ""


def test_acls_and_ownership_are_as_new_buckets_have_them(s3: Any, bucket: str) -> None:
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    assert code_of(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessControlListNotSupported"
    assert code_of(s3.put_object_acl, Bucket=bucket, Key="there", ACL="public-read") == "AccessControlListNotSupported"
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == controls
    controls["Rules"][0]["ObjectOwnership"] = "ObjectWriter"
    assert code_of(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=controls) == "NotImplemented"
    assert code_of(s3.get_bucket_website, Bucket=bucket) == "NoSuchWebsiteConfiguration"


def test_pages_of_other_sites_are_told_what_they_may(platform: Any, s3: Any, bucket: str) -> None:
    address = f"{platform.endpoint}/{bucket}/there"
    asks = {"origin": "https://app.example.com", "access-control-request-method": "PUT"}
    refused = httpx.options(address, headers=asks)
    assert (refused.status_code, "CORS is not enabled" in refused.text) == (403, True)
    rule = {"AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["PUT", "GET"], "ExposeHeaders": ["ETag"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule]
    allowed = httpx.options(address, headers=asks)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, asks["origin"])
    assert httpx.options(address, headers=asks | {"access-control-request-headers": "x-a"}).status_code == 403
    link = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "there"})
    got = httpx.get(link, headers={"origin": asks["origin"]})
    assert (got.text, got.headers["access-control-expose-headers"]) == ("there", "ETag")
    assert "access-control-allow-origin" not in httpx.get(link, headers={"origin": "https://evil.test"}).headers
    assert httpx.get(address, headers={"origin": asks["origin"]}).headers["access-control-allow-origin"]  # a refusal
    for broken in (link.replace("there?", "else?"), link.replace("Expires=", "Expires=-")):  # refused at the door
        answer = httpx.get(broken, headers={"origin": asks["origin"]})
        assert (answer.is_client_error, answer.headers["access-control-allow-origin"]) == (True, asks["origin"])
        assert "access-control-allow-origin" not in httpx.get(broken, headers={"origin": "https://evil.test"}).headers
    rule["AllowedMethods"] = ["PATCH"]
    assert code_of(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]}) == "InvalidRequest"
    s3.delete_bucket_cors(Bucket=bucket)
    assert code_of(s3.get_bucket_cors, Bucket=bucket) == "NoSuchCORSConfiguration"
    assert httpx.options(address, headers=asks).status_code == 403


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
def test_a_browser_posts_what_the_signer_lets_it(platform: Any, s3: Any, bucket: str, signature: str) -> None:
    signing = platform.client("s3", signature_version=signature)
    post = signing.generate_presigned_post(
        bucket,
        "in/${filename}",
        Fields={"Content-Type": "text/plain", "x-amz-meta-who": "me", "success_action_status": "201"},
        Conditions=[
            ["starts-with", "$Content-Type", "text/"],
            {"x-amz-meta-who": "me"},
            {"success_action_status": "201"},
            ["content-length-range", 2, 100_000],
        ],
    )

    def send(data: bytes = b"x" * 50_000, **changes: str) -> httpx.Response:
        return httpx.post(post["url"], data=post["fields"] | changes, files={"file": ("a b.txt", data)})

    made = send()
    assert (made.status_code, "<Key>in/a b.txt</Key>" in made.text) == (201, True)
    got = s3.get_object(Bucket=bucket, Key="in/a b.txt")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"x" * 50_000, {"who": "me"}, "text/plain")
    refusals = [
        (send(b"x" * 100_001), "EntityTooLarge"),
        (send(b"x"), "EntityTooSmall"),
        (send(key="out/of/line"), "Policy Condition failed"),
        (send(other="1"), "Extra input fields: other"),
        (send(policy=post["fields"]["policy"][4:]), "SignatureDoesNotMatch"),
        (httpx.post(post["url"], data={"key": "k"}, files={"file": b"1"}), "AccessDenied"),
        (httpx.post(post["url"], data=post["fields"], files={"other": b"1"}), "exactly one file"),
    ]
    for answer, words in refusals:
        assert answer.status_code in (400, 403), answer.text
        assert words in answer.text
    assert sorted(each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]) == ["in/a b.txt", "there"]
    redirecting = signing.generate_presigned_post(
        bucket, "r", Fields={"redirect": "https://x.test/?a=1"}, Conditions=[["starts-with", "$redirect", ""]]
    )
    answer = httpx.post(redirecting["url"], data=redirecting["fields"], files={"file": b"1"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"https://x.test/?a=1&bucket={bucket}&key=r&etag=")
