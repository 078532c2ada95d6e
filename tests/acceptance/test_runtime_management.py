"""Runtime management with the `aws` command line. Source: Lambda service model."""

from typing import Any


def test_auto_is_kept_and_the_rest_is_refused(platform: Any) -> None:
    name = platform.create("def handler(event, context):\n    return 1\n")
    of = ("--function-name", name)
    put = platform.aws("lambda", "put-runtime-management-config", *of, "--update-runtime-on", "Auto")
    arn = platform.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    assert put == platform.aws("lambda", "get-runtime-management-config", *of)
    assert put == {"UpdateRuntimeOn": "Auto", "FunctionArn": arn}
    words = ("lambda", "put-runtime-management-config", *of, "--update-runtime-on", "FunctionUpdate")
    refused = platform.command(platform.bin / "aws", *words)
    assert "FunctionUpdate is refused" in refused.stderr
