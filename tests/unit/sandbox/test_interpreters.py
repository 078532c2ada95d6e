"""Finding interpreters, with scripts that answer as one would."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.sandbox.interpreters import Interpreter, find_runtimes, interpreter_for, probe, usual_places


def fake(prefix: Path, minor: int, patch: int = 1, **changes: object) -> Path:
    executable = prefix / "bin" / f"python3.{minor}"
    executable.parent.mkdir(parents=True, exist_ok=True)
    answer = {
        "version": [3, minor, patch],
        "executable": str(executable),
        "prefix": str(prefix),
        "library": str(prefix / f"lib/python3.{minor}"),
        **changes,
    }
    executable.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    executable.chmod(0o755)
    return executable


def made(minor: int) -> Interpreter:
    return Interpreter((3, minor, 0), f"/p/bin/python3.{minor}", "/p", f"/p/lib/python3.{minor}")


def test_the_interpreter_that_runs_this_test_is_found() -> None:
    version = sys.version_info
    found = find_runtimes([Path(sys.base_prefix) / "bin"])[f"python{version[0]}.{version[1]}"]
    assert found.version == tuple(version[:3])
    assert Path(found.library, "json").is_dir()


def test_the_first_place_that_works_wins(tmp_path: Path) -> None:
    broken = tmp_path / "a/bin/python3.12"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    fake(tmp_path / "b", 12)
    fake(tmp_path / "c", 12, patch=9)
    found = find_runtimes([tmp_path / name / "bin" for name in "abc"])
    assert [each.version for each in found.values()] == [(3, 12, 1)]


def test_one_that_is_scattered_or_lies_about_its_version_is_not_offered(tmp_path: Path) -> None:
    assert probe(fake(tmp_path, 12, library="/elsewhere")) is None
    fake(tmp_path, 13, version=[3, 9, 0])
    assert find_runtimes([tmp_path / "bin"]) == {}


def test_newer_installations_come_before_older_ones_and_shims_never(tmp_path: Path) -> None:
    for version in ("3.12.9", "3.12.10"):
        (tmp_path / ".pyenv/versions" / version).mkdir(parents=True)
    shims = tmp_path / ".pyenv/shims"
    places = usual_places({"HOME": str(tmp_path), "PATH": f"{shims}:/own/bin"})
    assert [place.parent.name for place in places[:2]] == ["3.12.10", "3.12.9"]
    assert shims not in places
    assert places[-1] == Path("/own/bin")


def test_a_version_manager_of_another_user_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(folder: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    places = usual_places({"HOME": str(tmp_path), "PYENV_ROOT": "/root/.pyenv", "PATH": "/own/bin"})
    assert places == [Path("/usr/local/bin"), Path("/usr/bin"), Path("/own/bin")]


@pytest.mark.parametrize(
    ("runtime", "fallback", "serves"),
    [
        ("python3.12", False, "python3.12"),
        ("python3.11", False, None),
        ("python3.11", True, "python3.12"),
        ("python3.14", True, "python3.13"),
        ("python3.8", True, "python3.10"),
        ("nodejs22.x", True, None),
    ],
)
def test_the_nearest_version_stands_in_only_when_that_is_wished(
    runtime: str, fallback: bool, serves: str | None
) -> None:
    found = {f"python3.{minor}": made(minor) for minor in (10, 12, 13)}
    interpreter = interpreter_for(runtime, found, fallback=fallback)
    assert (interpreter.runtime if interpreter else None) == serves
