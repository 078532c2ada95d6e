"""Reading that a function has no code signing. Source: Lambda service model; Terraform's AWS provider."""

from typing import Any

import pytest

from lambent.services.lambda_.errors import NotFound

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


@pytest.mark.parametrize("name", ["f", ARN])
async def test_a_function_has_no_code_signing(house: Any, name: str) -> None:
    await house.create()
    answer = await house.call("GetFunctionCodeSigningConfig", FunctionName=name)
    assert answer == {"CodeSigningConfigArn": "", "FunctionName": "f"}


async def test_what_is_not_there_has_none_either(house: Any) -> None:
    with pytest.raises(NotFound):
        await house.call("GetFunctionCodeSigningConfig", FunctionName="f")
