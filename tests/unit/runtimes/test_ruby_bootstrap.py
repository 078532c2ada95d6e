"""The bootstrap of Ruby, run by a real Ruby over a socket pair.

Sources: Lambda Developer Guide, "Building Lambda functions with Ruby" (handlers, context, errors, logging); the forms
and texts of AWS's own runtime interface client for Ruby; the frames are told in `lambent.environment.api`.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtimes.guests import RUNTIMES, WAIT_S, Start, ready, starter

from lambent.environment import frames

RUBY = shutil.which("ruby")
pytestmark = pytest.mark.skipif(RUBY is None, reason="Ruby is not here: apt-get install ruby")
ECHO = "def handler(event:, context:) = event\n"
FORMS = """
require 'json'
class Odd < StandardError; end
module Deep
  class Inner
    def self.handler(event:, context:)
      case event['form']
      when 'echo' then event
      when 'raises' then raise Odd, 'told'
      when 'no name' then nowhere
      when 'exits' then exit 3
      when 'script error' then raise NotImplementedError, 'not yet'
      when 'too deep' then handler(event: event, context: context)
      when 'not json' then { 'x' => Float::NAN }
      when 'bytes' then StringIO.new('plain')
      when 'forks' then Process.wait(fork { 1 }) && 'parent'
      when 'returns in a fork' then fork || 'child'
      when 'context' then context.instance_variables.to_h { |n| [n, context.instance_variable_get(n)] }
      when 'trace'
        ENV['_X_AMZN_TRACE_ID'] = event['set'] if event['set']
        [ENV['_X_AMZN_TRACE_ID'], ENV.keys.grep(/^_X/).size, `printf %s "$_X_AMZN_TRACE_ID"`]
      end
    end
  end
end
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """See `starter`."""
    yield from starter(f"{RUBY} {RUNTIMES}/ruby/bootstrap.rb", tmp_path, "index.handler")


@pytest.fixture
def forms(start: Start) -> Any:
    """One function that does as it is told."""
    return ready(start({"index.rb": FORMS}, "index.Deep::Inner.handler", AWS_LAMBDA_FUNCTION_NAME="forms"))


@pytest.mark.parametrize(
    ("files", "handler", "error_type"),
    [
        ({"index.rb": "def handler("}, "index.handler", "Init<SyntaxError>"),
        ({"index.rb": "require 'nowhere'"}, "index.handler", "Init<LoadError>"),
        ({}, "index.handler", "Init<LoadError>"),
        ({"index.rb": "raise EOFError, 'x'"}, "index.handler", "Init<EOFError>"),
        ({"index.rb": "exit 3"}, "index.handler", "Init<SystemExit>"),
        ({"index.rb": ""}, "index", "Init<ArgumentError>"),
        ({"index.rb": ""}, "a.b.c.d", "Init<ArgumentError>"),
        ({"index.rb": ""}, "..handler", "Init<ArgumentError>"),
    ],
)
def test_what_cannot_be_loaded_is_an_init_error_and_the_end(
    start: Start, files: dict[str, str], handler: str, error_type: str
) -> None:
    bootstrap = start(files, handler)
    frame = bootstrap.receive()
    assert frame is not None
    assert (frame.kind, frame.fields[0]) == (frames.INIT_ERROR, error_type), bootstrap.output()
    told = json.loads(frame.payload)
    assert list(told) == ["errorMessage", "errorType", "stackTrace"]
    assert told["errorType"] == error_type
    assert f"\0Init error when loading handler {handler}\n" in bootstrap.output()
    assert bootstrap.receive() is None
    assert bootstrap.process.wait(WAIT_S) == 252


@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"index.rb": ECHO}, "index.handler"),
        ({"src/app/index.rb": ECHO}, "src/app/index.handler"),
        ({"index.rb": f"module A; class B; def self.{ECHO[4:]}end; end"}, "index.A::B.handler"),
        ({"index.rb": "require 'other'", "other.rb": ECHO}, "index.handler"),
    ],
)
def test_handlers_are_found_where_aws_finds_them(start: Start, files: dict[str, str], handler: str) -> None:
    bootstrap = ready(start(files, handler))
    frame = bootstrap.invoke({"x": ["ü", None]})
    assert (frame.kind, frame.fields, json.loads(frame.payload)) == (frames.RESPONSE, ["r1"], {"x": ["ü", None]})


def test_a_process_that_nobody_needs_ends_without_a_word(start: Start) -> None:
    bootstrap = start({}, "")
    assert bootstrap.receive() is None
    assert bootstrap.process.wait(WAIT_S) == 0
    assert bootstrap.output() == ""


@pytest.mark.parametrize(
    ("form", "error_type", "message"),
    [
        ("raises", "Function<Odd>", "told"),
        ("not json", "Function<JSON::GeneratorError>", "NaN not allowed"),
        ("too deep", "Function<SystemStackError>", "stack level too deep"),
    ],
)
def test_an_error_ends_the_invocation(forms: Any, form: str, error_type: str, message: str) -> None:
    frame = forms.invoke({"form": form})
    told = json.loads(frame.payload)
    fatal = form == "too deep"  # no StandardError
    assert (frame.kind, frame.fields) == (frames.FATAL if fatal else frames.ERROR, ["r1", error_type])
    assert message in told["errorMessage"]
    assert not [line for line in told["stackTrace"] if "/runtimes/ruby/" in line]
    if not fatal:
        assert json.loads(forms.invoke({"form": "echo"}).payload) == {"form": "echo"}


@pytest.mark.parametrize(
    ("form", "error_type"),
    [
        ("no name", "Function<NameError>"),
        ("exits", "Function<SystemExit>"),
        ("script error", "Function<NotImplementedError>"),
    ],
)
def test_a_critical_error_ends_the_process_too(forms: Any, form: str, error_type: str) -> None:
    frame = forms.invoke({"form": form})
    assert (frame.kind, frame.fields) == (frames.FATAL, ["r1", error_type])
    assert forms.process.wait(WAIT_S) == 255
    assert "Critical exception from handler" in forms.output()


def test_a_method_that_is_not_there_is_told_at_the_first_invocation(start: Start) -> None:
    frame = ready(start({"index.rb": ""})).invoke({})
    assert (frame.kind, frame.fields[1]) == (frames.FATAL, "Function<NoMethodError>")


def test_an_answer_that_is_a_stream_is_its_bytes(forms: Any) -> None:
    assert forms.invoke({"form": "bytes"}).payload == b"plain"


def test_a_fork_has_no_channel(forms: Any) -> None:
    assert json.loads(forms.invoke({"form": "forks"}).payload) == "parent"
    assert json.loads(forms.invoke({"form": "returns in a fork"}, "r2").payload) > 1
    assert json.loads(forms.invoke({"form": "echo"}, "r3").payload) == {"form": "echo"}


def test_a_function_may_replace_how_events_and_answers_are_read(start: Start) -> None:
    source = """
    module AwsLambda
      class Marshaller
        class << self
          def marshall_request(raw) = [raw['Content-Type'], raw.body]
          def marshall_response(answer) = answer.inspect
        end
      end
    end
    def handler(event:, context:) = event
    """
    assert ready(start({"index.rb": source})).invoke({}).payload == b'["application/json", "{}"]'


def test_a_handler_knows_its_invocation(forms: Any) -> None:
    told = json.loads(forms.invoke({"form": "context"}).payload)
    assert (told["@aws_request_id"], told["@invoked_function_arn"], told["@function_name"]) == ("r1", "arn", "forms")


def test_the_trace_header_is_a_variable_that_leaves_no_trace(forms: Any) -> None:
    def trace(header: str, **event: str) -> Any:
        return json.loads(forms.invoke({"form": "trace", **event}, trace=header).payload)

    assert trace("Root=7") == ["Root=7", 1, "Root=7"]
    assert trace("Root=8;x") == ["Root=8;x", 1, "Root=8;x"]
    assert trace("Root=9", set="mine") == ["mine", 1, "mine"]
    assert trace("R" * 1024) == ["R" * 1024, 1, "R" * 1024]
    assert trace("") == [None, 0, ""]
    assert trace("Root=1") == ["Root=1", 1, "Root=1"]


LOGS = """
require 'logger'
LOGGER = Logger.new($stdout)
def handler(event:, context:)
  puts 'one', ["two\\nlines"]
  LOGGER.debug('d')
  LOGGER.warn({ a: 1 })
  Logger.new(nil, progname: 'named').error(ArgumentError.new('why'))
  $stdout.print "plain\\n"
  warn 'to stderr'
end
"""


def test_what_is_logged_is_one_event_with_the_requests_id(start: Start) -> None:
    bootstrap = ready(start({"index.rb": LOGS}))
    bootstrap.invoke({})
    lines = bootstrap.output().splitlines()
    assert lines[0] == "\0one\0two\0lines"
    assert lines[1].startswith("\0D, [")
    assert lines[1].endswith("] DEBUG r1 -- : d")
    assert " WARN r1 -- : {:a=>1}" in lines[2] or " WARN r1 -- : {a: 1}" in lines[2]
    assert " ERROR r1 -- named: why (ArgumentError)" in lines[3]
    assert lines[4:] == ["plain", "to stderr"]


def test_log_lines_in_json_have_the_levels_that_are_wanted(start: Start) -> None:
    bootstrap = ready(start({"index.rb": LOGS}, AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="WARN"))
    bootstrap.invoke({})
    told = [json.loads(line[1:]) for line in bootstrap.output().splitlines() if line.startswith("\0{")]
    assert [line["level"] for line in told] == ["WARN", "ERROR"]
    assert (told[1]["errorType"], told[1]["errorMessage"], told[1]["logger"]) == ("ArgumentError", "why", "named")
    assert {line["requestId"] for line in told} == {"r1"}


def test_gems_and_libraries_are_found_though_the_process_was_there_before(start: Start, tmp_path: Path) -> None:
    gem = {
        "gems/shown-1.0/lib/shown.rb": "SHOWN = 'a gem'",
        "specifications/shown-1.0.gemspec": "Gem::Specification.new { |s| s.name, s.version = 'shown', '1.0'\n"
        "s.summary = s.author = 'x'; s.files = [] }",
    }
    files = {f"layer/{name}": text for name, text in gem.items()}
    source = "require 'beside'; require 'shown'; gem 'shown', '1.0'; def handler(event:, context:) = [SHOWN, BESIDE]"
    variables = {"GEM_PATH": f"{tmp_path}/none:{tmp_path}/layer", "RUBYLIB": f"{tmp_path}/lib"}
    bootstrap = ready(start({"index.rb": source, "lib/beside.rb": "BESIDE = 1", **files}, **variables))
    assert json.loads(bootstrap.invoke({}).payload) == ["a gem", 1]
