"""The variables of an environment. Source: behaviours section 12."""

import msgspec
import pytest

from lambent.environment.variables import RESERVED, Circumstances, Credentials, variables
from lambent.model.function import FunctionKey, FunctionSnapshot

FUNCTION = FunctionSnapshot(
    key=FunctionKey("000000000000", "eu-west-1", "f"),
    version="7",
    invoked_arn="arn",
    environment_key="k",
    runtime="python3.12",
    handler="app.handler",
    timeout_s=3,
    memory_mb=256,
    ephemeral_mb=512,
    role="role",
    log_group="/aws/lambda/f",
    revision_id="r",
)
HERE = Circumstances("2026/01/01/[7]0", Credentials("ASIA", "secret", "token"), "http://169.254.1.1:4566")


def test_the_platforms_facts_are_there() -> None:
    told = variables(FUNCTION, {}, HERE)
    assert (
        told
        | {
            "_HANDLER": "app.handler",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "7",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[7]0",
            "AWS_ACCESS_KEY_ID": "ASIA",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_ENDPOINT_URL": "http://169.254.1.1:4566",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "PYTHONPATH": "/var/runtime",
            "TZ": ":UTC",
            "LANG": "en_US.UTF-8",
        }
        == told
    )


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_is_never_the_functions_to_set(name: str) -> None:
    assert variables(FUNCTION, {name: "mine"}, HERE).get(name) != "mine"


@pytest.mark.parametrize("name", ["PATH", "TZ", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "AWS_ENDPOINT_URL", "OWN"])
def test_everything_else_is(name: str) -> None:
    assert variables(FUNCTION, {name: "mine"}, HERE)[name] == "mine"


def test_without_network_credentials_or_a_managed_runtime_their_variables_are_absent() -> None:
    told = variables(msgspec.structs.replace(FUNCTION, runtime="provided.al2023"), {}, Circumstances("stream"))
    absent = {"AWS_EXECUTION_ENV", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "PYTHONPATH", "AWS_LAMBDA_LOG_FORMAT"}
    assert not absent & set(told)


@pytest.mark.parametrize(
    ("runtime", "name"), [("python3.14", "PYTHONPATH"), ("nodejs22.x", "NODE_PATH"), ("ruby3.4", "GEM_PATH")]
)
def test_a_language_has_its_search_path(runtime: str, name: str) -> None:
    assert name in variables(msgspec.structs.replace(FUNCTION, runtime=runtime), {}, HERE)
