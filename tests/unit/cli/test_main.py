"""What a person meets: help that teaches, errors of one line, a quick start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lambent.cli import access, app, deploy, main, screen, status
from lambent.cli.errors import CommandError
from lambent.cli.functions import Wish


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ENDPOINT_URL", "LAMBENT_DATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("command", list(app.COMMANDS))
def test_each_command_teaches_with_an_example_of_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run([command, "--help"]) == 0
    assert re.search(rf"Examples?:.*lambent {command}", capsys.readouterr().out, re.DOTALL)


def test_the_command_line_alone_says_where_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    app.run([])
    shown = capsys.readouterr()
    assert "lambent quickstart" in shown.out + shown.err


@pytest.mark.parametrize(
    "arguments",
    [["env"], ["status"], ["invoke", "hello"], ["logs", "hello"], ["deploy", "."], ["logs", "hello", "--since", "x"]]
    + [["invoke", "hello", "--payload", "{"], ["invoke", "hello", "--payload", "@none"], ["deploy", ".", "--env", "K"]]
    + [["deploy", ".", "--timezone", "Europe/Berlin"], ["deploy", ".", "--reports-failures"]]
    + [["clock"], ["clock", "advance"], ["clock", "show", "2m"], ["clock", "advance", "2 fortnights"]],
)
def test_an_error_is_one_line_and_no_traceback(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(r"lambent: [^\n]+\n", shown.err)


def test_debug_shows_where_an_error_came_from() -> None:
    with pytest.raises(CommandError, match="no server is running"):
        app.run(["--debug", "env"])


def test_an_endpoint_where_nobody_listens_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "B")
    for arguments in (["invoke", "hello"], ["status"]):
        assert app.run(arguments) == 1
        assert capsys.readouterr().err == (
            "lambent: nothing answers at http://127.0.0.1:9; start a server with: lambent serve\n"
        )


def test_a_command_does_not_pay_for_another() -> None:
    check = "import sys; from lambent.cli import app; app.run(['env']); sys.exit('lambent.config' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_help_does_not_pay_for_the_aws_client() -> None:
    check = "import sys; from lambent.cli import app; app.run(['--help']); sys.exit('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["--version"]) == 0
    assert re.fullmatch(r"lambent \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_an_interrupted_command_ends_as_shells_expect_and_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "run", interrupted)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert (ended.value.code, capsys.readouterr().err) == (130, "")


def test_no_moment_is_left_out_because_the_way_in_loads_nothing_itself() -> None:
    check = "import sys; from lambent.cli import main; sys.exit('typer' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_module_that_is_no_python_is_named_with_its_line() -> None:
    Path("broken").mkdir()
    Path("broken/app.py").write_text("import os\ndef handler(event, context) return 1\n")
    with pytest.raises(CommandError, match=r"no handler found in broken: app.py, line 2: expected ':'"):
        deploy.new_function(Path("broken"), Wish("f", None, None, None, None, None))


def test_a_table_is_printed_in_full_however_narrow_the_screen_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    long = "a-path-that-people-copy/" * 8
    screen.print_table(screen.results(), status.table("", ("one", "two"), [(long, "the other")]))
    assert any(long in line and "the other" in line for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"message": "no"}', "no"), ('{"Message": "no"}', "no"), ("gone", "gone"), ("[1]", "[1]"), ("{}", "{}")],
)
def test_an_error_of_the_server_is_told_in_its_words(text: str, words: str) -> None:
    assert access._words(text) == words
