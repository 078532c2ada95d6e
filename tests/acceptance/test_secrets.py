"""A function has its environment variables, and nothing under the data directory shows them.

Source: Lambda Developer Guide, "Securing environment variables": Lambda always encrypts them at rest.
"""

from pathlib import Path
from typing import Any

import pytest

SECRET = "hunter2-whole-platform"
SOURCE = "import os\n\ndef handler(event, context):\n    return len(os.environ['PASSWORD'])\n"


def shows(folder: Path, text: str) -> list[str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [str(file.relative_to(folder)) for file in files if text.encode() in file.read_bytes()]


def test_no_file_of_a_server_shows_an_environment_variable_that_its_functions_have(platform: Any) -> None:
    lambda_ = platform.client("lambda")
    variables = {"Variables": {"PASSWORD": SECRET}}
    if "python3.12" not in platform.runtimes():
        pytest.skip("SnapStart needs Python 3.12")
    snapped = {"Runtime": "python3.12", "SnapStart": {"ApplyOn": "PublishedVersions"}}
    name = platform.create(SOURCE, Environment=variables, **snapped)
    version = lambda_.publish_version(FunctionName=name)["Version"]
    lambda_.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version, WaiterConfig={"Delay": 1})
    for qualifier in ("$LATEST", version):
        assert lambda_.invoke(FunctionName=name, Qualifier=qualifier)["Payload"].read() == str(len(SECRET)).encode()
    assert lambda_.get_function_configuration(FunctionName=name)["Environment"] == variables
    assert "db/lambda.sqlite-wal" in shows(platform.server.data, name)
    assert shows(platform.server.data, SECRET) == []


def test_keys_of_ones_own_are_refused_by_name(platform: Any) -> None:
    lambda_ = platform.client("lambda")
    name = platform.create(SOURCE)
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match="KMSKeyArn is refused"):
        lambda_.update_function_configuration(
            FunctionName=name, KMSKeyArn="arn:aws:kms:us-east-1:000000000000:key/0f0f0f0f-0000-0000-0000-000000000000"
        )
