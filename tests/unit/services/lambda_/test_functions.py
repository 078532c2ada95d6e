"""CreateFunction and its siblings. Sources: Lambda service model; recordings of the real service."""

import base64
import hashlib
from typing import Any

import pytest

from lambent.errors import ServiceError, ValidationError

UNKNOWN_FILE_SYSTEM = {"Arn": "a", "LocalMountPath": "/mnt/a"}
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
ROLE = "arn:aws:iam::000000000000:role/r"


async def refused(house: Any, operation: str, **parameters: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await house.call(operation, **parameters)
    return caught.value


async def test_the_answer_of_create_is_pending_and_has_every_default(house: Any, package: Any) -> None:
    code = package({"app.py": "x = 1"})
    answer = await house.create(Code={"ZipFile": code})
    assert answer == {
        "FunctionName": "f",
        "FunctionArn": ARN,
        "Runtime": "python3.12",
        "Role": ROLE,
        "Handler": "app.handler",
        "CodeSize": len(code),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "LastModified": "2023-11-14T22:13:20.000+0000",
        "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": answer["RevisionId"],
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": answer["RuntimeVersionConfig"],
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
    }


async def test_a_function_becomes_active_with_another_revision(house: Any) -> None:
    created = await house.create()
    settled = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert (settled["State"], settled["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in settled
    assert settled["RevisionId"] != created["RevisionId"]


async def test_the_arn_has_the_qualifier_that_was_asked_with(house: Any) -> None:
    await house.create()
    assert (await house.call("GetFunctionConfiguration", FunctionName="f"))["FunctionArn"] == ARN
    for asked in ({"Qualifier": "$LATEST"}, {"FunctionName": "f:$LATEST"}):
        answer = await house.call("GetFunctionConfiguration", **({"FunctionName": "f"} | asked))
        assert answer["FunctionArn"] == f"{ARN}:$LATEST"


async def test_get_function_has_code_and_what_is_set(house: Any) -> None:
    await house.create(Tags={"team": "a"}, Environment={"Variables": {"KEY": "v"}})
    await house.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=5)
    answer = await house.call("GetFunction", FunctionName="f")
    assert answer["Tags"] == {"team": "a"}
    assert answer["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert answer["Configuration"]["Environment"] == {"Variables": {"KEY": "v"}}
    assert answer["Code"]["RepositoryType"] == "S3"


async def test_a_name_can_be_given_once(house: Any) -> None:
    await house.create()
    error = await refused_create(house)
    assert (error.code, error.message) == ("ResourceConflictException", "Function already exist: f")


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("GetFunction", {}),
        ("GetFunctionConfiguration", {}),
        ("DeleteFunction", {}),
        ("UpdateFunctionCode", {"ZipFile": b"x"}),
        ("UpdateFunctionConfiguration", {"Timeout": 5}),
        ("PublishVersion", {}),
        ("ListVersionsByFunction", {}),
        ("GetFunctionConcurrency", {}),
        ("DeleteFunctionConcurrency", {}),
    ],
)
async def test_what_is_not_there_is_not_found(house: Any, operation: str, parameters: dict[str, Any]) -> None:
    error = await refused(house, operation, FunctionName="f", **parameters)
    assert (error.code, error.status, error.message) == (
        "ResourceNotFoundException",
        404,
        f"Function not found: {ARN}",
    )
    assert error.members == {"Type": "User"}


@pytest.mark.parametrize("qualifier", ["1", "0", "007", "prod", "$LATEST.PUBLISHED", "9" * 30])
async def test_a_qualifier_that_leads_nowhere_is_named(house: Any, qualifier: str) -> None:
    await house.create()
    error = await refused(house, "GetFunction", FunctionName="f", Qualifier=qualifier)
    assert error.message == f"Function not found: {ARN}:{qualifier}"


async def test_lists_come_in_pages_without_states(house: Any) -> None:
    for name in ("b", "a", "c"):
        await house.create(name)
    first = await house.call("ListFunctions", MaxItems=2)
    assert [each["FunctionName"] for each in first["Functions"]] == ["a", "b"]
    assert "State" not in first["Functions"][0]
    second = await house.call("ListFunctions", MaxItems=2, Marker=first["NextMarker"])
    assert [each["FunctionName"] for each in second["Functions"]] == ["c"]
    assert "NextMarker" not in second


async def test_a_list_of_all_has_every_version(house: Any) -> None:
    await house.create("a", Publish=True)
    await house.create("b")
    found, marker = [], None
    while True:
        page = await house.call("ListFunctions", FunctionVersion="ALL", MaxItems=1, Marker=marker)
        found += [(each["FunctionName"], each["Version"]) for each in page["Functions"]]
        marker = page.get("NextMarker")
        if marker is None:
            break
    assert found == [("a", "$LATEST"), ("a", "1"), ("b", "$LATEST")]


@pytest.mark.parametrize("marker", ["x", "bm9uZQ==", "W10", "ä", "WzEsMl0="])
async def test_a_marker_of_somebody_else_is_refused(house: Any, marker: str) -> None:
    error = await refused(house, "ListFunctions", Marker=marker)
    assert error.code == "InvalidParameterValueException"


async def test_a_deleted_function_is_gone_with_its_tags_and_may_come_again(house: Any) -> None:
    await house.create(Tags={"a": "b"})
    before = await house.service.data_plane.snapshot(house.key(), "")
    assert await house.call("DeleteFunction", FunctionName="f") == {"StatusCode": 204}
    assert (await refused(house, "GetFunction", FunctionName="f")).status == 404
    await house.create()
    assert "Tags" not in await house.call("GetFunction", FunctionName="f")
    after = await house.service.data_plane.snapshot(house.key(), "")
    assert after.environment_key != before.environment_key  # shares no environment with its predecessor


async def test_latest_cannot_be_deleted_alone(house: Any) -> None:
    await house.create()
    error = await refused(house, "DeleteFunction", FunctionName="f", Qualifier="$LATEST")
    assert error.message == "$LATEST version cannot be deleted without deleting the function."


async def test_another_account_or_region_sees_nothing(house: Any) -> None:
    await house.create()
    context = house.context
    for other in ({"account": "111111111111"}, {"region": "eu-west-1"}):
        house.context = type(context)(**({f: getattr(context, f) for f in context.__struct_fields__} | other))
        assert (await house.call("ListFunctions"))["Functions"] == []
        assert (await refused(house, "GetFunction", FunctionName="f")).status == 404


async def test_account_settings_tell_what_is_used(house: Any) -> None:
    created = await house.create("a")
    await house.create("b", Publish=True)
    await house.call("PutFunctionConcurrency", FunctionName="a", ReservedConcurrentExecutions=100)
    answer = await house.call("GetAccountSettings")
    assert answer["AccountUsage"] == {"TotalCodeSize": 3 * created["CodeSize"], "FunctionCount": 2}
    assert answer["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert answer["AccountLimit"]["UnreservedConcurrentExecutions"] == 900


async def test_code_storage_has_a_limit(house: Any) -> None:
    house.settings.quotas.code_storage_bytes = 10
    assert (await refused_create(house)).code == "CodeStorageExceededException"


async def refused_create(house: Any, **parameters: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await house.create(**parameters)
    return caught.value


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"Role": ROLE + "/nobody"}, "InvalidParameterValueException",
         "The role defined for the function cannot be assumed by Lambda. arn:aws:iam::000000000000:role/r/nobody has"),
        ({"Runtime": "python2.7"}, "InvalidParameterValueException",
         "The runtime parameter of python2.7 is no longer supported for creating or updating AWS Lambda functions"),
        ({"Runtime": "cobol"}, "InvalidParameterValueException",
         "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["),
        ({"Runtime": "ruby3.4"}, "InvalidParameterValueException", "install it"),
        ({"Runtime": None}, "InvalidParameterValueException", "Runtime and Handler are mandatory parameters"),
        ({"Handler": "a\0b"}, "InvalidParameterValueException", "NUL"),
        ({"MemorySize": 10241}, "ValidationException",
         "Value '10241' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to"),
        ({"Timeout": 901}, "ValidationException", "'timeout'"),
        ({"EphemeralStorage": {"Size": 10241}}, "ValidationException", "'ephemeralStorage.size'"),
        ({"PackageType": "Image"}, "InvalidParameterValueException", "Please provide ImageUri when creating"),
        ({"Architectures": ["arm64"]}, "InvalidParameterValueException", "this host's processor is x86_64"),
        ({"VpcConfig": {"SubnetIds": ["s"]}}, "InvalidParameterValueException", "VpcConfig is refused"),
        ({"FileSystemConfigs": [UNKNOWN_FILE_SYSTEM]}, "InvalidParameterValueException", "does not exist"),
        ({"KMSKeyArn": "arn:aws:kms:x"}, "InvalidParameterValueException", "KMSKeyArn is refused"),
        ({"Layers": ["arn:x"]}, "InvalidParameterValueException", "Layer version arn:x does not exist."),
        ({"DeadLetterConfig": {"TargetArn": "arn:x"}}, "InvalidParameterValueException", "The destination ARN"),
        ({"LoggingConfig": {"SystemLogLevel": "INFO"}}, "InvalidParameterValueException", "only allowed with"),
        ({"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}, "InvalidParameterValueException", "TenancyConfig"),
        ({"DurableConfig": {"ExecutionTimeout": 1}}, "InvalidParameterValueException", "DurableConfig is refused"),
        ({"Code": {"S3Bucket": "b", "S3Key": "k"}}, "InvalidParameterValueException", "while GetObject"),
        ({"Code": {"ImageUri": "i"}}, "InvalidParameterValueException", "Please don't provide ImageUri"),
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException",
         "Could not unzip uploaded file. Please check your file, then try to upload again."),
        ({"Code": {}}, "InvalidParameterValueException", "non-empty zip"),
        ({"Tags": {str(n): "" for n in range(51)}}, "InvalidParameterValueException",
         "Number of tags exceeds resource tag limit."),
        ({"Tags": {"aws:x": ""}}, "InvalidParameterValueException", "reserved"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException",
         "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"A": "x" * 4096}}}, "InvalidParameterValueException",
         'exceeded the 4KB limit. String measured: {"A":"xxx'),
        ({"Environment": {"Variables": {"AB": "a\0b"}}}, "InvalidParameterValueException", "no variable can have"),
        ({"Environment": {"Variables": {"AB": "\ud800"}}}, "InvalidParameterValueException", "no variable can have"),
        ({"Description": "\ud800"}, "InvalidParameterValueException", "half characters"),
        ({"FunctionName": "f:1"}, "InvalidParameterValueException", "qualifier"),
        ({"FunctionName": "x" * 65}, "ValidationException", "Member must have length less than or equal to 64"),
    ],
)  # fmt: skip
async def test_bad_input_is_refused_and_leaves_nothing(
    house: Any, parameters: dict[str, Any], code: str, words: str
) -> None:
    error = await refused_create(house, **parameters)
    assert error.code == code
    assert words in error.message
    assert (await house.call("ListFunctions"))["Functions"] == []
    await house.service.collect_code(())
    assert [path for path in (house.folder / "blobs").rglob("*") if path.is_file()] == []
    assert list((house.folder / "code").iterdir()) == []


async def test_empty_and_default_forms_of_what_we_lack_are_accepted(house: Any) -> None:
    await house.create(
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        FileSystemConfigs=[],
        KMSKeyArn="",
        Layers=[],
        SnapStart={"ApplyOn": "None"},
        TracingConfig={"Mode": "PassThrough"},
        DeadLetterConfig={"TargetArn": ""},
        ImageConfig={},
        LoggingConfig={"LogFormat": "Text", "LogGroup": "mine"},
        Environment={"Variables": {}},
    )
    answer = await house.call("GetFunctionConfiguration", FunctionName="f")
    assert answer["LoggingConfig"]["LogGroup"] == "mine"
    assert answer["Environment"] == {"Variables": {}}


async def test_the_variables_may_fill_their_limit_exactly(house: Any) -> None:
    await house.create(Environment={"Variables": {"AB": "x" * (4096 - len('{"AB":""}'))}})


async def test_names_are_checked_before_anything_is_looked_up(house: Any) -> None:
    with pytest.raises(ValidationError):
        await house.call("GetFunction", FunctionName="a b")
