"""`kill -9` during a storm of CreateFunction: what was acknowledged is there, and nothing half-made."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lambent.model.function import FunctionKey

SCRIPT = Path(__file__).with_name("creating.py")


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("creating", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_until(lines: int, folder: Path) -> tuple[set[str], set[str]]:
    """Kill the process after so many lines; what it had acknowledged, and what is open."""
    there: set[str] = set()
    unsure: set[str] = set()
    with subprocess.Popen([sys.executable, SCRIPT, folder], stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        for count, line in enumerate(process.stdout):
            sign, name = line.split()
            (unsure if sign == "?" else there).add(name)
            if sign == "-":
                there.discard(name)
                unsure.discard(name)
            if count == lines:
                process.kill()
    return there - unsure, unsure


@pytest.mark.parametrize("lines", [0, 60])
async def test_a_killed_service_loses_no_acknowledged_function(
    tmp_path: Path, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    acknowledged, unsure = run_until(lines, tmp_path)
    creating = script()
    service = await creating.open_service(tmp_path)
    await service.settle()
    for name in acknowledged:
        snapshot = await service.data_plane.snapshot(FunctionKey(creating.ACCOUNT, "us-east-1", name), "")
        assert snapshot.refusal == ""
    answer = await service.operations["GetAccountSettings"](creating.CONTEXT, {})
    assert acknowledged
    assert len(acknowledged) <= answer["AccountUsage"]["FunctionCount"] <= len(acknowledged | unsure) + 8

    await service.collect_code(())
    code = {path.read_text() for path in (tmp_path / "code").glob("*/app.py")}
    assert acknowledged <= code
    folders = {path.name for path in (tmp_path / "code").iterdir()}
    blobs = {path.name for path in (tmp_path / "blobs").glob("??/??/*")}
    assert folders <= blobs
    assert not {name for name in folders if name.startswith(".")}
    assert len(blobs) == answer["AccountUsage"]["FunctionCount"]
    await service.close()
