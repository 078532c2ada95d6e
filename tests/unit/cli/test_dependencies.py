from pathlib import Path

import pytest

from lambent.cli.dependencies import install, own_runtime, pip_command
from lambent.cli.errors import CommandError


def test_another_python_gets_ready_made_wheels_of_its_own_version() -> None:
    command = pip_command(Path("r.txt"), Path("t"), "python3.99")
    assert command[-4:] == ["3.99", "--implementation", "cp", "--only-binary=:all:"]


def test_our_own_python_may_build() -> None:
    assert "--only-binary=:all:" not in pip_command(Path("r.txt"), Path("t"), own_runtime())


@pytest.mark.parametrize("runtime", ["nodejs22.x", "provided.al2023", "python3", "python3.11; rm"])
def test_a_runtime_that_pip_cannot_serve_is_refused_by_name(runtime: str) -> None:
    with pytest.raises(CommandError, match=r"requirements\.txt is for Python"):
        pip_command(Path("r.txt"), Path("t"), runtime)


def test_pip_says_in_its_own_words_why_it_failed(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("./no-such-folder-here\n")
    with pytest.raises(CommandError, match=r"pip could not install .*no-such-folder-here"):
        install(tmp_path / "requirements.txt", tmp_path / "target", own_runtime())
