"""For which functions a process of their language is started ahead."""

import pytest

from lambent.services.lambda_.runtimes import brings_program


@pytest.mark.parametrize(
    ("runtime", "handler", "own"),
    [
        ("dotnet8", "Assembly::Namespace.Class::Method", False),
        ("dotnet8", "Assembly", True),
        ("java21", "example.Handler", False),
        ("nodejs22.x", "index.handler", False),
    ],
)
def test_a_handler_of_dotnet_without_a_colon_names_a_program_of_the_package(
    runtime: str, handler: str, own: bool
) -> None:
    """Source: Lambda Developer Guide, "Define Lambda function handler in C#": executable assemblies."""
    assert brings_program(runtime, handler) is own
