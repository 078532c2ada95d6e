"""The runtime identifiers: which may be used, and which AWS has retired.

Source: Lambda service model (Runtime); Lambda Developer Guide, "Lambda runtimes"; behaviours section 4.
Whether the host can run one is the `Runtimes` protocol's to say.
"""

from lambent.services.lambda_.api import Runtimes
from lambent.services.lambda_.errors import InvalidParameter

SUPPORTED = (
    *("nodejs20.x", "nodejs22.x", "nodejs24.x", "nodejs26.x"),
    *(f"python3.{minor}" for minor in range(9, 16)),
    *("java8.al2", "java11", "java17", "java21", "java25", "java8.al2023", "java11.al2023", "java17.al2023"),
    *("dotnet8", "dotnet10", "ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0", "provided.al2", "provided.al2023"),
)
RETIRED = frozenset(
    {
        *("nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10"),
        *(f"nodejs{major}.x" for major in (10, 12, 14, 16, 18)),
        *("python2.7", "python3.6", "python3.7", "python3.8", "java8", "go1.x", "provided"),
        *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet6", "ruby2.5", "ruby2.7"),
    }
)


def brings_program(runtime: str, handler: str) -> bool:
    """Whether the function's process is a program of its package: an executable assembly or a binary of .NET's.

    Source: Lambda Developer Guide, "Define Lambda function handler in C#" (executable assemblies have no `::`).
    """
    return runtime.startswith("dotnet") and ":" not in handler


def check_runtime(runtime: str, host: Runtimes) -> None:
    """Whether functions may be created with `runtime` here. Raises InvalidParameter."""
    if runtime in RETIRED:
        raise InvalidParameter(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda "
            "functions. We recommend you use a supported runtime while creating or updating functions."
        )
    if runtime not in SUPPORTED:
        raise InvalidParameter(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(SUPPORTED)}] or be a valid ARN"
        )
    reason = host.missing(runtime)
    if reason is not None:
        raise InvalidParameter(reason)
