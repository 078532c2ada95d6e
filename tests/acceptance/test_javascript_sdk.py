"""The AWS SDK for JavaScript v3, unmodified, drives functions and queues: javascript/tour.test.mjs."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

HERE = Path(__file__).parent / "javascript"
APP = """
import os

def handler(event, context):
    if "words" in event:
        return (word for word in event["words"])
    if "layer" in event:
        import layered
        return layered.WORDS
    print("greeting", event)
    event = event.get("queryStringParameters", event)
    return os.environ["GREETING"] + " " + event["name"]
"""


def test_the_javascript_sdk_works_unchanged(platform: "Platform", zipped: Any, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").exists():
        pytest.skip("Node.js 20 or newer with npm is not here: install it, then `make test`")
    package = tmp_path / "app.zip"
    package.write_bytes(zipped({"app.py": APP}))
    layer = tmp_path / "layer.zip"
    layer.write_bytes(zipped({"python/layered.py": "WORDS = 'from the layer'"}))
    done = platform.command(
        "env", f"FUNCTION_ZIP={package}", f"LAYER_ZIP={layer}", node, "--test", HERE / "tour.test.mjs"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# skipped 0" in done.stdout, done.stdout
    assert "# pass 14" in done.stdout, done.stdout
