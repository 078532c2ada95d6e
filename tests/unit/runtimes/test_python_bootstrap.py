"""The Python bootstrap at work. Sources: behaviours sections 8, 12 and 15; Lambda Developer Guide, pages on Python."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from lambent.environment import frames

NAMES = ("python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
FOUND = sorted(
    {path for name in NAMES if (path := shutil.which(name)) and "shims" not in path}
    | {str(path) for name in NAMES for path in Path.home().glob(f".pyenv/versions/{name[6:]}.*/bin/python")}
)


def answer(frame: Any) -> Any:
    assert frame is not None
    assert frame.kind == frames.RESPONSE, frame.payload
    return json.loads(frame.payload)


EVERYTHING = """import json, logging, collections
from decimal import Decimal
P = collections.namedtuple('P', 'x y')
def handler(event, context):
    print('printed', event)
    logging.getLogger().warning('one\\ntwo')
    if event == 'raise':
        raise ValueError('bad')
    return {'event': event, 'decimal': Decimal('1.50'), 'point': [P(1, b'b')], 'id': context.aws_request_id}
"""


@pytest.mark.parametrize("python", FOUND)
def test_every_interpreter_of_the_host_serves_logs_and_fails_alike(start: Any, python: str) -> None:
    bootstrap = start(EVERYTHING, python=python).ready()
    for number in range(3):
        frame = bootstrap.invoke(b'{"a": "\xc3\xa9"}', f"r-{number}")
        told = f'{{"event": {{"a": "é"}}, "decimal": 1.50, "point": [{{"x": 1, "y": "b"}}], "id": "r-{number}"}}'
        assert frame.payload.decode() == told
        assert frame.fields == [f"r-{number}"]
    assert bootstrap.invoke(b'"raise"').fields == ["r-1", "ValueError"]
    lines = bootstrap.lines()
    assert lines[0] == "printed {'a': 'é'}"
    assert lines[1].startswith("[WARNING]\t20")
    assert lines[1].endswith("Z\tr-0\tone\ntwo")
    assert lines[-1].startswith("[ERROR] ValueError: bad\nTraceback (most recent call last):\n")
    assert len(lines) == 9


@pytest.mark.parametrize(
    ("body", "runtime", "told"),
    [
        ("None", "3.12", "null"),
        ("'é'", "3.12", '"é"'),
        ("'é'", "3.11", '"\\u00e9"'),
        ("'\\ud800'", "3.11", '"\\ud800"'),
        ("b'raw'", "3.12", "raw"),
        ("[b'x', (1,)]", "3.12", '["x", [1]]'),
        ("{1: 1, None: 2, True: 3, 1.5: 4}", "3.12", '{"1": 3, "null": 2, "1.5": 4}'),
        ("{b'k': 1}", "3.12", '{"k": 1}'),
        ("[float('nan'), float('inf'), -float('inf')]", "3.12", "[NaN, Infinity, -Infinity]"),
        ("[Decimal('NaN'), Decimal('1E+3'), Decimal('-0')]", "3.12", "[NaN, 1E+3, -0]"),
        ("[Decimal(1), 'é', None, True, 2.5, b'b', [], {}]", "3.12", '[1, "é", null, true, 2.5, "b", [], {}]'),
        ("P(1, [P(2, 3)])", "3.12", '{"x": 1, "y": [{"x": 2, "y": 3}]}'),
        ("C.A", "3.12", "1"),
        ("{C.A: S.A}", "3.12", '{"1": "x"}'),
    ],
)  # fmt: skip
def test_answers_are_encoded_as_the_runtime_that_is_named_does(start: Any, body: str, runtime: str, told: str) -> None:
    source = f"""import collections, enum
from decimal import Decimal
P = collections.namedtuple('P', 'x y')
class C(enum.IntEnum): A = 1
class S(str, enum.Enum): A = 'x'
def handler(e, c): return {body}
"""
    bootstrap = start(source, AWS_EXECUTION_ENV=f"AWS_Lambda_python{runtime}").ready()
    assert bootstrap.invoke().payload.decode() == told


def test_a_circular_answer_is_refused_on_both_ways_through_the_encoder(start: Any) -> None:
    source = """from decimal import Decimal
def handler(e, c):
    loop = [Decimal(1)] if e else []
    loop.append(loop)
    return loop
"""
    bootstrap = start(source).ready()
    for event in (b"0", b"1"):
        error = json.loads(bootstrap.invoke(event).payload)
        assert error["errorMessage"] == "Unable to marshal response: Circular reference detected"


def test_the_context_has_every_field_and_method_that_aws_documents(start: Any) -> None:
    source = """def handler(e, c):
    left = c.get_remaining_time_in_millis()
    client = c.client_context
    return [c.aws_request_id, c.log_group_name, c.log_stream_name, c.function_name, c.memory_limit_in_mb,
            c.function_version, c.invoked_function_arn, c.identity.cognito_identity_id, c.tenant_id, left > 0,
            isinstance(left, int), client and [client.custom, client.env, client.client.app_title], repr(c),
            c.w3c(), c.log('logged')]
"""
    bootstrap = start(source).ready()
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f:alias"
    told = answer(bootstrap.invoke(request_id="r-5"))
    assert told[:12] == [
        "r-5", "/aws/lambda/f", "2026/01/01/[$LATEST]0", "f", "128", "$LATEST", arn, None, None, True, True, None
    ]  # fmt: skip
    assert told[12] == (
        "LambdaContext([aws_request_id=r-5,log_group_name=/aws/lambda/f,log_stream_name=2026/01/01/[$LATEST]0,"
        f"function_name=f,memory_limit_in_mb=128,function_version=$LATEST,invoked_function_arn={arn},"
        "client_context=None,identity=CognitoIdentity([cognito_identity_id=None,cognito_identity_pool_id=None]),"
        "tenant_id=None])"
    )
    assert bootstrap.lines() == ["logged"]
    client = {"custom": {"k": 1}, "env": {"e": 2}, "client": {"app_title": "t"}, "w3c": {"traceparent": "00-1"}}
    told = answer(bootstrap.invoke(client_context=json.dumps(client)))
    assert told[11] == [{"k": 1}, {"e": 2}, "t"]
    assert told[13] == {"traceparent": "00-1"}


def test_the_trace_header_is_a_variable_of_its_invocation(start: Any) -> None:
    bootstrap = start("import os\ndef handler(e, c): return os.environ.get('_X_AMZN_TRACE_ID')").ready()
    assert answer(bootstrap.invoke(trace="Root=1-a")) == "Root=1-a"
    assert answer(bootstrap.invoke(trace="Root=1-b")) == "Root=1-b"
    assert answer(bootstrap.invoke()) is None


@pytest.mark.parametrize("handler", ["a/b/deep.handler", "a.b.deep.handler"])
def test_handlers_in_folders_are_found_with_slashes_and_dots(start: Any, handler: str) -> None:
    files = {"a/b/deep.py": "def handler(e, c): return __name__"}
    assert answer(start(handler=handler, files=files).ready().invoke()) == "a.b.deep"


def test_the_search_path_is_the_functions_folders_then_the_standard_library(start: Any) -> None:
    source = "import sys\ndef handler(e, c): return [sys.path, sys.argv]"
    bootstrap = start(source).ready()
    path, argv = answer(bootstrap.invoke())
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    assert path[1:4] == [f"/opt/python/lib/{version}/site-packages", "/opt/python", "/var/runtime"]
    assert not any("lambent" in entry or "site-packages" in entry for entry in path[4:])
    assert argv == ["/var/runtime/bootstrap.py", "app.handler"]


def test_a_python_path_of_the_functions_own_and_pth_files_are_honoured(start: Any, tmp_path: Path) -> None:
    files = {"own/lib.py": "x = 1", "more/extra.py": "y = 2", "extra.pth": "more\n"}
    source = "import lib, extra\ndef handler(e, c): return lib.x + extra.y"
    assert answer(start(source, files=files, PYTHONPATH=str(tmp_path / "own")).ready().invoke()) == 3


def test_no_module_of_ours_stands_in_the_way_of_the_functions(start: Any) -> None:
    names = ["bootstrap", "channel", "context", "encode", "errors", "loader", "logs", "loop", "process", "zygote"]
    source = f"import {', '.join(names)}\ndef handler(e, c): return [m.mine for m in ({', '.join(names)})]"
    files = {f"{name}.py": "mine = 1" for name in names}
    assert answer(start(source, files=files).ready().invoke()) == [1] * len(names)


def test_prints_and_child_processes_keep_their_order(start: Any) -> None:
    source = """import os, subprocess, sys
def handler(e, c):
    print('first')
    subprocess.run(['sh', '-c', 'echo child; echo to stderr >&2'])
    print('partial', end='')
    sys.stderr.write('error line\\n')
    os.system('echo last')
"""
    bootstrap = start(source).ready()
    bootstrap.invoke()
    lines = bootstrap.lines()
    assert lines[:3] == ["first", "child", "to stderr"]
    assert sorted("".join(lines[3:])) == sorted("error linelastpartial")


def test_an_unfinished_line_and_a_record_are_two_events(start: Any) -> None:
    source = "import logging\ndef handler(e, c):\n    print('half', end='')\n    logging.error('whole\\nrecord')"
    bootstrap = start(source).ready()
    bootstrap.invoke()
    lines = bootstrap.lines()
    assert lines[0] == "half"
    assert lines[1].endswith("whole\nrecord")


def test_what_is_printed_is_in_the_pipe_before_the_answer_even_when_streams_are_replaced(start: Any) -> None:
    source = """import io, sys
def handler(e, c):
    print('one', end='')
    if e: sys.stdout = io.StringIO(); print('unseen')
    else: sys.stdout.close()
"""
    bootstrap = start(source).ready()
    answer(bootstrap.invoke(b"1"))
    assert bootstrap.lines() == ["one"]
    assert bootstrap.invoke(b"0") is not None


def test_text_that_is_no_utf8_does_not_fail_a_print_or_a_record(start: Any) -> None:
    source = "import logging\ndef handler(e, c):\n    print('\\udc80')\n    logging.error('\\ud800')"
    bootstrap = start(source).ready()
    answer(bootstrap.invoke())
    assert [line[-8:] for line in bootstrap.lines()] == ["\ufffd", "1\t\\ud800"]


def test_json_logging_has_aws_fields_and_levels(start: Any) -> None:
    source = """import logging
log = logging.getLogger('mine')
def handler(e, c):
    log.debug('unseen')
    log.info('hello %s', 'you', extra={'order': 7})
    log.info({'a': 1})
    print('plain')
    try: 1/0
    except ZeroDivisionError: log.exception('failed')
    raise ValueError('x')
"""
    bootstrap = start(source, AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="INFO").ready()
    bootstrap.invoke(request_id="r-3")
    first, second, plain, failed, last = bootstrap.lines()
    told = json.loads(first)
    assert told.pop("timestamp").endswith("Z")
    assert told == {"level": "INFO", "message": "hello you", "logger": "mine", "requestId": "r-3", "order": 7}
    assert json.loads(second)["message"] == {"a": 1}
    assert plain == "plain"
    told = json.loads(failed)
    assert (told["level"], told["errorType"], told["errorMessage"]) == (
        "ERROR",
        "ZeroDivisionError",
        "division by zero",
    )
    assert told["location"].endswith("app.py:handler:9")
    assert "1/0" in told["stackTrace"][0]
    told = json.loads(last)
    assert list(told) == ["timestamp", "level", "errorMessage", "errorType", "requestId", "stackTrace"]


def test_text_logging_takes_the_level_and_leaves_the_root_at_warning_without_one(start: Any) -> None:
    source = "import logging\ndef handler(e, c):\n    logging.info('i')\n    logging.warning('w')"
    quiet, loud = start(source).ready(), start(source, AWS_LAMBDA_LOG_LEVEL="INFO").ready()
    quiet.invoke()
    loud.invoke()
    assert [len(quiet.lines()), len(loud.lines())] == [1, 2]


def test_large_events_and_answers_pass_whole(start: Any) -> None:
    bootstrap = start("def handler(e, c): return e[::-1]").ready()
    text = "ab" * 3_000_000
    assert answer(bootstrap.invoke(json.dumps(text).encode())) == text[::-1]


def test_child_processes_and_forks_have_no_channel(start: Any) -> None:
    source = """import os, subprocess
SOCKETS = ["sh", "-c", "ls -l /proc/self/fd"]
def handler(e, c):
    listing = subprocess.run(SOCKETS, capture_output=True, close_fds=False, text=True).stdout
    child = os.fork()
    if not child:
        return 'the fork goes on into the loop, and must leave quietly'
    return [listing.count('socket:'), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]
"""
    bootstrap = start(source).ready()
    assert answer(bootstrap.invoke()) == [0, 0]
    assert answer(bootstrap.invoke()) == [0, 0]


def test_the_process_leaves_when_the_platform_hangs_up(start: Any) -> None:
    bootstrap = start("import atexit\natexit.register(print, 'unseen')\ndef handler(e, c): return 1").ready()
    bootstrap.channel.close()
    assert bootstrap.status() == 0
    assert bootstrap.lines() == []


def test_times_are_utc_whatever_the_hosts_zone_is(start: Any) -> None:
    bootstrap = start("import time\ndef handler(e, c): return time.localtime(0).tm_hour", TZ=":UTC").ready()
    assert answer(bootstrap.invoke()) == 0


def test_multiprocessing_finds_no_main_module_to_run_again(start: Any) -> None:
    source = """import __main__
def handler(e, c):
    return [sorted(name for name in vars(__main__) if name[0] != '_'), hasattr(__main__, '__file__')]
"""
    assert answer(start(source).ready().invoke()) == [[], False]


def test_the_remaining_time_is_never_below_zero(start: Any) -> None:
    bootstrap = start("def handler(e, c): return c.get_remaining_time_in_millis()").ready()
    assert answer(bootstrap.invoke(deadline_ms="1000")) == 0
