"""FileSystemConfigs with the tools that people use: a folder of the operator's, shared by functions.

Source: Lambda service model (FileSystemConfig); Lambda Developer Guide, "Configuring file system access".
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SOURCE = """
import os
def handler(event, context):
    path = os.path.join(event["folder"], event["name"])
    if "text" in event:
        with open(path, "w") as file:
            file.write(event["text"])
    with open(path) as file:
        return file.read()
"""
S3_FILES = "arn:aws:s3files:us-east-1:000000000000:file-system/fs-{0}/access-point/fsap-{0}".format("0123456789abcdef0")


@pytest.fixture
def lent(platform: "Platform") -> dict[str, Any]:
    """What `lambent status` says of the folder that the test server lends."""
    said = platform.lambent("status", "--format", "json", "--data", str(platform.server.data))
    (only,) = json.loads(said.stdout)["file_systems"]
    assert isinstance(only, dict)
    return only


def invoke(platform: "Platform", function: str, **event: str) -> Any:
    answer = platform.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def test_functions_share_a_folder_that_outlives_them(platform: "Platform", lent: dict[str, Any]) -> None:
    lambda_ = platform.client("lambda")
    configs = [{"Arn": lent["arn"], "LocalMountPath": "/mnt/data"}]
    writer = platform.create(SOURCE, FileSystemConfigs=configs)
    assert lambda_.get_function_configuration(FunctionName=writer)["FileSystemConfigs"] == configs
    assert invoke(platform, writer, folder="/mnt/data", name="a", text="kept") == "kept"
    assert (Path(lent["path"]) / "a").read_text() == "kept"
    reader = platform.create(SOURCE, FileSystemConfigs=[{"Arn": lent["arn"], "LocalMountPath": "/mnt/else.where"}])
    assert invoke(platform, reader, folder="/mnt/else.where", name="a") == "kept"
    lambda_.update_function_configuration(FunctionName=reader, FileSystemConfigs=[])
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=reader, WaiterConfig={"Delay": 1})
    assert "FileSystemConfigs" not in lambda_.get_function_configuration(FunctionName=reader)
    assert invoke(platform, reader, folder="/mnt/else.where", name="a")["errorType"] == "FileNotFoundError"


def test_a_person_sees_the_access_point(platform: "Platform", lent: dict[str, Any]) -> None:
    said = platform.lambent("status", "--data", str(platform.server.data)).stdout
    assert lent["arn"] in said


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda arn: {"Arn": arn[:-1] + "0" if arn[-1] != "0" else arn[:-1] + "1"}, "lambent status"),
        (lambda arn: {"Arn": arn.replace("us-east-1", "eu-west-1")}, "does not exist"),
        (lambda _: {"LocalMountPath": "/mnt/.."}, "LocalMountPath"),
        (lambda _: {"LocalMountPath": "/var/task"}, "localMountPath"),
        (
            lambda _: {"Arn": S3_FILES},
            "S3 Files",
        ),
    ],
    ids=["unknown", "another Region", "out of /mnt", "not in /mnt", "S3 Files"],
)
def test_what_cannot_be_mounted_is_refused(
    platform: "Platform", lent: dict[str, Any], change: Callable[[str], dict[str, str]], told: str
) -> None:
    lambda_ = platform.client("lambda")
    config = {"Arn": lent["arn"], "LocalMountPath": "/mnt/data"} | change(lent["arn"])
    with pytest.raises(lambda_.exceptions.ClientError) as refused:
        platform.create(SOURCE, FileSystemConfigs=[config])
    assert refused.value.response["Error"]["Code"] in ("InvalidParameterValueException", "ValidationException")
    assert told in refused.value.response["Error"]["Message"]


def test_not_with_snapstart(platform: "Platform", lent: dict[str, Any]) -> None:
    """Source: "Improving startup performance with Lambda SnapStart": no Amazon EFS."""
    configs = [{"Arn": lent["arn"], "LocalMountPath": "/mnt/data"}]
    snap_start = {"ApplyOn": "PublishedVersions"}
    with pytest.raises(platform.client("lambda").exceptions.ClientError, match="with file systems"):
        platform.create(SOURCE, Runtime="python3.12", FileSystemConfigs=configs, SnapStart=snap_start)
