"""/tmp is as large as EphemeralStorage says, and no larger. Source: Lambda Developer Guide, "Ephemeral storage"."""

import json
from typing import Any

import pytest

FILLS = """
import errno, os
MIB = 1024 * 1024

def handler(event, context):
    written = 0
    with open("/tmp/filled", "wb", buffering=0) as file:
        try:
            while written < event["most_mb"]:
                written += file.write(b"x" * MIB) / MIB
        except OSError as error:
            return {"written_mb": written, "error": errno.errorcode[error.errno]}
        finally:
            os.unlink("/tmp/filled")
    return {"written_mb": written, "error": ""}
"""


@pytest.mark.parametrize("size_mb", [512, 700])
def test_a_function_cannot_write_beyond_its_ephemeral_storage(platform: Any, size_mb: int) -> None:
    sized = {} if size_mb == 512 else {"EphemeralStorage": {"Size": size_mb}}
    name = platform.create(FILLS, MemorySize=1769, Timeout=60, **sized)
    answer = platform.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"most_mb": size_mb + 64}))
    result = json.load(answer["Payload"])
    assert "FunctionError" not in answer, result
    assert result["error"] == "ENOSPC"
    assert size_mb <= result["written_mb"] <= 1.02 * size_mb
