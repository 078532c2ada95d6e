"""Functions for benchmarks: the role, the package, and one that is active."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MODE = 0o755 << 16
ECHO = "def handler(event, context):\n    return {'ok': event.get('a')}\n"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    ],
}
PATIENCE = {"Delay": 0.02, "MaxAttempts": 3000}  # of a waiter: looks at once and often, for a minute


def role_of(iam: Any, name: str = "bench") -> str:
    """The ARN of the role of that name, which is made where there is none."""
    try:
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName=name)
    return str(made["Role"]["Arn"])


def zipped(files: Mapping[str, str | Path]) -> bytes:
    """A deployment package of texts, and of copies of files."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr, entry.compress_type = MODE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.read_bytes() if isinstance(content, Path) else content)
    return memory.getvalue()


def make(lambda_: Any, role: str, name: str, source: str, **parameters: Any) -> None:
    """An active function; `source` is its `app.py`.

    Raises:
        WaiterError: it never became active.
    """
    settings = {"Runtime": "python3.11", "Handler": "app.handler", "Code": {"ZipFile": zipped({"app.py": source})}}
    lambda_.create_function(FunctionName=name, Role=role, **{**settings, **parameters})
    wait_active(lambda_, name)


def wait_active(lambda_: Any, name: str) -> None:
    """Return once it is.

    Raises:
        WaiterError: it failed, or took a minute.
    """
    lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PATIENCE)
