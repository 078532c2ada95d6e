"""The benchmarks run: each one's modules, flags and imports, and in the small those that need no server.

The others need wrk and a minute of a machine of their own: `bench/run.py --small` runs them. That they call what there
is, is mypy's to say.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[3] / "bench"
NAMES = sorted(path.stem for path in BENCH.glob("*.py"))
LIBRARIES = {"busy", "callers", "command", "density", "functions", "image", "load", "patience", "plot", "processes"}
LIBRARIES |= {"snapstart", "wire"}
SMALL = {
    "bootstrap": "--invocations 20",
    "data_plane": "--calls 64",
    "environment": "--invocations 20 --environments 2",
    "ingest": "--records 2000 --streams 2",
    "journal": "--records 100",
    "runtime_api": "--invocations 10",
    "sigv4": "--checks 20",
    "store": "--seconds 0.01",
    "warm_path": "--rounds 1 --requests 10",
}


@pytest.fixture(scope="module", autouse=True)
def _bench_is_importable() -> Iterator[None]:
    """As for a script there; whoever else has modules with such names has them back afterwards."""
    others = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))
    for name in NAMES:
        sys.modules.pop(name, None)
    sys.modules.update(others)


def script(monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> ModuleType:
    monkeypatch.setattr(sys, "argv", [f"bench/{name}.py", *words.split()])
    return import_module(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_script_tells_what_it_does(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = script(monkeypatch, name, "--help")
    assert hasattr(module, "main") == (name not in LIBRARIES)
    if name in LIBRARIES:
        return
    with pytest.raises(SystemExit) as end:
        module.main()
    told = capsys.readouterr().out
    assert end.value.code == 0
    assert f"bench/{name}.py" in (module.__doc__ or "")
    assert (module.__doc__ or "").splitlines()[0] in told


@pytest.mark.parametrize(("name", "words"), SMALL.items(), ids=SMALL)
def test_what_needs_no_server_measures(
    name: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = script(monkeypatch, name, words)
    if name == "data_plane":
        monkeypatch.setattr(module, "BUDGET_US", 1e9)  # nobody is measured here
    module.main()
    assert any(each.isdigit() for each in capsys.readouterr().out)
