"""The variables of an environment: what AWS sets, what a function may set, and who wins.

Three layers: defaults that a function may change, the function's own, and the reserved ones,
which nobody can change and which CreateFunction refuses to take.

Source: behaviours section 12; Lambda Developer Guide, "Defined runtime environment variables".
AWS_LAMBDA_RUNTIME_API is set inside (`runtimes/python/doors.py`), where something answers there; the X-Ray daemon's
address is not, because nothing does.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from lambent.model.function import FunctionSnapshot

LANGUAGE = re.compile("[^a-z].*")
TASK_ROOT = "/var/task"
RUNTIME_DIR = "/var/runtime"

RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)

DEFAULTS = {
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "LANG": "en_US.UTF-8",
    "LC_CTYPE": "C.UTF-8",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "PWD": TASK_ROOT,
    "SHLVL": "0",
    "TZ": ":UTC",
}

DEFAULTS_OF_LANGUAGE = {
    "python": {"PYTHONPATH": RUNTIME_DIR},
    "provided": {  # nothing of ours: what it is linked with is the system's or its own
        "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    },
    "nodejs": {
        "NODE_PATH": "/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:"
        "/var/runtime:/var/task"
    },
    "ruby": {
        "GEM_PATH": "/var/task/vendor/bundle/ruby/{version}.0:/opt/ruby/gems/{version}.0",
        "RUBYLIB": "/var/task:/var/runtime/lib:/opt/ruby/lib",
    },
}


class Credentials(Struct, frozen=True):
    """Temporary credentials of the function's role."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: str = ""


class Circumstances(Struct, frozen=True):
    """What differs between two environments of the same function.

    `endpoint_url` is the platform's own endpoint as it is reached from inside, "" when there is
    no network. `log_format` and `log_level` are set for JSON logging only.
    """

    log_stream: str
    credentials: Credentials | None = None
    endpoint_url: str = ""
    initialization_type: str = "on-demand"
    log_format: str = ""
    log_level: str = ""


def variables(
    function: FunctionSnapshot,
    own: Mapping[str, str],
    circumstances: Circumstances,
    defaults: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """All variables of a new environment of `function`, whose configuration sets `own`; `defaults` are an image's."""
    return {
        **(defaults_of(function.runtime) if defaults is None else defaults),
        **_optional(circumstances),
        **{name: value for name, value in own.items() if name not in RESERVED},
        **_reserved(function, circumstances),
    }


def defaults_of(runtime: str) -> dict[str, str]:
    """What a function of `runtime` finds, unless it says otherwise."""
    special = DEFAULTS_OF_LANGUAGE.get(LANGUAGE.sub("", runtime), {})
    numbers = re.findall(r"\d+", runtime)
    told = {"{major}": numbers[0], "{version}": ".".join(numbers)} if numbers else {}
    return {**DEFAULTS, **{name: _filled(value, told) for name, value in special.items()}}


def _filled(template: str, told: Mapping[str, str]) -> str:
    for place, value in told.items():
        template = template.replace(place, value)
    return template


def _optional(circumstances: Circumstances) -> dict[str, str]:
    told = {
        "AWS_ENDPOINT_URL": circumstances.endpoint_url,
        "AWS_LAMBDA_LOG_FORMAT": circumstances.log_format,
        "AWS_LAMBDA_LOG_LEVEL": circumstances.log_level,
    }
    return {name: value for name, value in told.items() if value}


def _reserved(function: FunctionSnapshot, circumstances: Circumstances) -> dict[str, str]:
    told = {
        "AWS_DEFAULT_REGION": function.key.region,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.key.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": circumstances.initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": circumstances.log_stream,
        "AWS_REGION": function.key.region,
        "LAMBDA_RUNTIME_DIR": RUNTIME_DIR,
        "LAMBDA_TASK_ROOT": TASK_ROOT,
    }
    if function.handler:  # an image has its own way to say it
        told["_HANDLER"] = function.handler
    if function.runtime and not function.runtime.startswith("provided"):
        told["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{function.runtime}"
    if circumstances.credentials is not None:
        told["AWS_ACCESS_KEY_ID"] = circumstances.credentials.access_key_id
        told["AWS_SECRET_ACCESS_KEY"] = circumstances.credentials.secret_access_key
        told["AWS_SESSION_TOKEN"] = circumstances.credentials.session_token
    return told
