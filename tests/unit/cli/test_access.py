import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.cli.access import Access, find_access, read_access
from lambent.cli.errors import CommandError
from lambent.store.folder_lock import NAME, hold

ENVIRONMENT = {"AWS_ENDPOINT_URL": "http://10.0.0.1:4566", "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "s3"}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "endpoint.json").write_text('{"endpoint": "http://127.0.0.1:1", "region": "eu-west-1"}')
    (tmp_path / "root-key.json").write_text('{"AccessKeyId": "ROOT", "SecretAccessKey": "secret"}')
    lock = hold(tmp_path)
    yield tmp_path
    os.close(lock)


def test_the_two_files_of_a_server_are_its_access(data: Path) -> None:
    assert read_access(data) == Access("http://127.0.0.1:1", "eu-west-1", "ROOT", "secret")


def test_the_environment_is_used_where_no_folder_is_named() -> None:
    assert find_access(None, ENVIRONMENT) == Access("http://10.0.0.1:4566", "us-east-1", "AK", "s3")


def test_a_session_token_in_the_environment_is_passed_on() -> None:
    access = find_access(None, ENVIRONMENT | {"AWS_SESSION_TOKEN": "t"})
    assert access.variables()["AWS_SESSION_TOKEN"] == "t"


def test_a_named_folder_wins_over_the_environment(data: Path) -> None:
    assert find_access(data, ENVIRONMENT).access_key_id == "ROOT"


def test_a_key_without_an_endpoint_is_never_used_alone(data: Path) -> None:
    for_aws_itself = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "real"}
    assert find_access(None, for_aws_itself | {"LAMBENT_DATA": str(data)}).access_key_id == "ROOT"


def test_without_a_server_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"start one with: lambent serve --data"):
        read_access(tmp_path)


def test_what_a_killed_server_left_leads_to_no_endpoint(data: Path, tmp_path: Path) -> None:
    (data / NAME).rename(data / "held")  # nobody holds the one that is there now
    (data / NAME).touch()
    with pytest.raises(CommandError, match=r"no server is running on .*; start one with: lambent serve --data"):
        read_access(data)


def test_a_server_that_does_not_serve_yet_is_not_said_to_be_missing(data: Path) -> None:
    (data / "run" / "endpoint.json").unlink()
    with pytest.raises(CommandError, match="is not ready yet, or about to end; try again in a moment"):
        read_access(data)


@pytest.mark.parametrize(
    "address", ["garbage", "localhost:4566", "http://", "http://[::1", "http://x:99999", "ftp://x"]
)
def test_an_endpoint_that_is_no_address_is_named(address: str) -> None:
    with pytest.raises(CommandError, match=r"AWS_ENDPOINT_URL is no address: .*; one is http://127"):
        find_access(None, ENVIRONMENT | {"AWS_ENDPOINT_URL": address})


@pytest.mark.parametrize("text", ["", "{", "[1"])
def test_a_damaged_file_is_named(data: Path, text: str) -> None:
    (data / "root-key.json").write_text(text)
    with pytest.raises(CommandError, match=r"root-key\.json is damaged"):
        read_access(data)


def test_a_file_that_lacks_a_field_is_refused(data: Path) -> None:
    (data / "root-key.json").write_text(json.dumps({"AccessKeyId": "ROOT"}))
    with pytest.raises(CommandError, match="SecretAccessKey"):
        read_access(data)
