"""Failures of a function, in AWS's words. Source: behaviours section 8, "Error bodies"."""

import json
from typing import Any

import pytest

from lambent.environment import frames

NBSP = "\u00a0"


def error_of(frame: Any, kind: int) -> dict[str, Any]:
    assert frame.kind == kind, frame
    told: dict[str, Any] = json.loads(frame.payload)
    assert list(told) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    return told


@pytest.mark.parametrize(
    ("handler", "files", "error_type", "message"),
    [
        (
            "nodot",
            {},
            "Runtime.MalformedHandlerName",
            "Bad handler 'nodot': not enough values to unpack (expected 2, got 1)",
        ),
        ("app.absent", {}, "Runtime.HandlerNotFound", "Handler 'absent' missing on module 'app'"),
        (
            "nowhere.handler",
            {},
            "Runtime.ImportModuleError",
            "Unable to import module 'nowhere': No module named 'nowhere'",
        ),
        (
            "needy.handler",
            {"needy.py": "import not_there"},
            "Runtime.ImportModuleError",
            "Unable to import module 'needy': No module named 'not_there'",
        ),
        (
            "sys.handler",
            {},
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module sys as a handler module",
        ),
        ("raises.handler", {"raises.py": "1/0"}, "ZeroDivisionError", "division by zero"),
    ],
)
def test_a_function_that_cannot_be_loaded_is_told_by_name(
    start: Any, handler: str, files: dict[str, str], error_type: str, message: str
) -> None:
    bootstrap = start(handler=handler, files=files)
    frame = bootstrap.receive()
    error = error_of(frame, frames.INIT_ERROR)
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == (error_type, message, "")
    assert frame.fields[0] == error_type
    assert int(frame.fields[1]) > 0
    assert bootstrap.status() == 1
    assert bootstrap.lines()[0].startswith(f"[ERROR] {error_type}: {message}\nTraceback (most recent call last):")


def test_a_syntax_error_names_the_module_file_and_line(start: Any) -> None:
    error = error_of(start("def handler(:\n").receive(), frames.INIT_ERROR)
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    assert error["errorMessage"].startswith("Syntax error in module 'app': ")
    assert error["stackTrace"][0].splitlines() == [error["stackTrace"][0].splitlines()[0], "    def handler(:"]
    assert 'app.py" Line 1' in error["stackTrace"][0]


def test_a_raised_exception_is_the_answer_and_its_trace_begins_in_the_function(start: Any) -> None:
    bootstrap = start("def inner():\n    raise KeyError('é')\n\ndef handler(e, c):\n    inner()\n").ready()
    frame = bootstrap.invoke(request_id="r-7")
    error = error_of(frame, frames.ERROR)
    assert frame.fields == ["r-7", "KeyError"]
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == ("KeyError", "'é'", "r-7")
    assert [line.rsplit(", ", 1)[1] for line in error["stackTrace"]] == [
        "in handler\n    inner()\n",
        "in inner\n    raise KeyError('é')\n",
    ]
    (line,) = bootstrap.lines()
    assert line.startswith("[ERROR] KeyError: 'é'\nTraceback (most recent call last):\n" + NBSP * 2 + "File ")
    assert line.splitlines()[3] == NBSP * 4 + "inner()"
    assert bootstrap.invoke().kind == frames.ERROR  # and it serves on


def test_a_trace_at_import_ends_in_the_functions_line_and_never_shows_ours(start: Any) -> None:
    error = error_of(start("raise RuntimeError('no')\n").receive(), frames.INIT_ERROR)
    assert "app.py" in error["stackTrace"][-1]
    assert not any("runtimes/python" in line for line in error["stackTrace"])


def test_a_wrong_signature_has_no_frame_to_show(start: Any) -> None:
    error = error_of(start("def handler(e): pass").ready().invoke(), frames.ERROR)
    assert error["errorMessage"] == "handler() takes 1 positional argument but 2 were given"
    assert error["stackTrace"] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{1, 2}", "Unable to marshal response: Object of type set is not JSON serializable"),
        ("{(1, 2): 3}", "Unable to marshal response: keys must be str, int, float, bool or None, not tuple"),
        ("object()", "Unable to marshal response: Object of type object is not JSON serializable"),
        ("'\\ud800'", "Unable to marshal response: 'utf-8' codec can't encode character"),
    ],
)
def test_what_json_cannot_hold_is_a_marshal_error(start: Any, body: str, message: str) -> None:
    error = error_of(start(f"def handler(e, c): return {body}").ready().invoke(), frames.ERROR)
    assert error["errorType"] == "Runtime.MarshalError"
    assert error["errorMessage"].startswith(message)


def test_an_async_handler_gives_the_marshal_error_that_aws_gives(start: Any) -> None:
    error = error_of(start("async def handler(e, c): return 1").ready().invoke(), frames.ERROR)
    assert error["errorMessage"] == "Unable to marshal response: Object of type coroutine is not JSON serializable"


def test_an_exception_whose_text_cannot_be_made_or_encoded_is_still_an_answer(start: Any) -> None:
    source = """class Mute(Exception):
    def __str__(self): raise ValueError
def handler(e, c):
    raise Mute() if e else ValueError('\\ud800')
"""
    bootstrap = start(source).ready()
    assert error_of(bootstrap.invoke(b"1"), frames.ERROR)["errorType"] == "Mute"
    assert error_of(bootstrap.invoke(b"0"), frames.ERROR)["errorMessage"] == "\ud800"


def test_a_bad_client_context_or_event_is_named(start: Any) -> None:
    bootstrap = start("def handler(e, c): return e").ready()
    error = error_of(bootstrap.invoke(client_context="{"), frames.ERROR)
    assert error["errorType"] == "Runtime.LambdaContextUnmarshalError"
    error = error_of(bootstrap.invoke(b'{"a": '), frames.ERROR)
    assert error["errorType"] == "Runtime.UnmarshalError"
    assert error["errorMessage"].startswith("Unable to unmarshal input: ")


@pytest.mark.parametrize(
    ("statement", "status", "said"),
    [
        ("sys.exit()", 0, []),
        ("sys.exit(7)", 7, []),
        ("sys.exit('why')", 1, ["why"]),
        ("exit(4)", 4, []),
        ("os._exit(3)", 3, []),
        ("os.kill(os.getpid(), 9)", -9, []),
        ("os.kill(os.getpid(), 15)", -15, []),
        ("raise KeyboardInterrupt", -2, None),
        ("raise GeneratorExit", 1, None),
    ],
)
def test_what_ends_an_interpreter_ends_the_process_and_is_no_answer(
    start: Any, statement: str, status: int, said: list[str] | None
) -> None:
    bootstrap = start(f"import os, sys\ndef handler(e, c):\n    print('before')\n    {statement}").ready()
    assert bootstrap.invoke() is None
    assert bootstrap.status() == status
    lines = bootstrap.lines()
    assert lines[0] == "before"
    if said is None:
        assert lines[1] == "Traceback (most recent call last):"
        assert not any("runtimes/python" in line for line in lines)
    else:
        assert lines[1:] == said


def test_exit_at_import_reports_nothing_and_runs_the_exit_hooks(start: Any) -> None:
    bootstrap = start("import atexit, sys\natexit.register(print, 'bye')\nsys.exit(5)")
    assert bootstrap.receive() is None
    assert bootstrap.status() == 5
    assert bootstrap.lines() == ["bye"]
