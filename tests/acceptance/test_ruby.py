"""Functions in Ruby on a real server: answers, errors, log lines, gems in packages and in layers.

Debian 12 has Ruby 3.1 and AWS begins at 3.2, so that these run with --runtime-fallback. Sources: Lambda Developer
Guide, "Building Lambda functions with Ruby"; behaviours sections 8, 12 and 15.
"""

import http.client
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import Platform, zipped
from tests.acceptance.test_wrappers import SCRIPT, WRAPPER

from lambent.cli.server import temporary_server
from lambent.sandbox.languages.ruby import Ruby
from lambent.sandbox.languages.table import find_installations

RUNTIME = "ruby3.3"
PROGRAM = Path(__file__).parent / "ruby_program"
TEXT = {"Content-Type": "text/plain"}
HANDLERS = """
require 'logger'
require 'net/http'
LOGGER = Logger.new($stdout)
module Forms
  class Handler
    def self.process(event:, context:)
      case event['form']
      when 'value' then { event: event, left: context.get_remaining_time_in_millis, name: context.function_name,
                          arn: context.invoked_function_arn, id: context.aws_request_id,
                          memory: context.memory_limit_in_mb }
      when 'raises' then [1, 2, 3].first('two')
      when 'exits' then exit!(3)
      when 'critical' then nowhere
      when 'sleeps' then sleep
      when 'logs'
        puts "two\\nlines"
        LOGGER.info('hello')
      when 'environment' then ENV.to_h
      when 'processes' then `ls /proc/self/fd; pwd; id -un`.split("\\n")
      when 'takes' then Array.new(600) { 'x' * 1_000_000 }.size
      end
    end
  end
end
"""


WRAPPED = """def handler(event:, context:)
  [ENV['MARK'], ENV['OWN'], `printenv MARK`.strip, $DEBUG, 'index', Dir.pwd]
end"""


@pytest.fixture(scope="module")
def ruby() -> Iterator[Platform]:
    """A server that takes the Ruby that is there."""
    if os.geteuid() != 0:
        pytest.skip("real sandboxes need root")
    if not any(each.startswith(Ruby.name) for each in find_installations({})):
        pytest.skip("Ruby 3.1 or newer is not here: apt-get install ruby")
    with temporary_server(["--runtime-fallback"]) as server:
        yield Platform(server)


@pytest.fixture(scope="module")
def function(ruby: Platform) -> str:
    """One function for all forms."""
    return ruby.create_from({"src/app.rb": HANDLERS}, RUNTIME, "src/app.Forms::Handler.process")


def test_a_handler_knows_its_invocation(ruby: Platform, function: str) -> None:
    answer, log, failed = ruby.invoke(function, {"form": "value", "text": "ü"})
    assert not failed, log
    assert answer["event"] == {"form": "value", "text": "ü"}
    assert 0 < answer["left"] <= 30_000
    assert (answer["name"], answer["memory"]) == (function, "128")
    assert answer["arn"].endswith(f":function:{function}")
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["id"])


def test_an_error_is_told_as_on_aws(ruby: Platform, function: str) -> None:
    answer, log, failed = ruby.invoke(function, {"form": "raises"})
    assert failed
    assert list(answer) == ["errorMessage", "errorType", "stackTrace"]
    assert answer["errorType"] == "Function<TypeError>"
    assert "no implicit conversion of String into Integer" in answer["errorMessage"]
    assert re.fullmatch(r"/var/task/src/app\.rb:\d+:in [`'].*first'", answer["stackTrace"][0])
    assert all(frame.startswith("/var/task/") for frame in answer["stackTrace"])
    assert "\nError raised from handler method\n{\n" in log


@pytest.mark.parametrize(
    ("form", "error_type"),
    [("exits", "Runtime.ExitError"), ("critical", "Function<NameError>")],
)
def test_what_ends_the_process_is_told_and_another_goes_on(
    ruby: Platform, function: str, form: str, error_type: str
) -> None:
    answer, log, failed = ruby.invoke(function, {"form": form})
    assert failed
    assert answer["errorType"] == error_type, log
    assert ruby.invoke(function, {"form": "logs"})[2] is False


def test_time_is_limited(ruby: Platform) -> None:
    name = ruby.create_from({"src/app.rb": HANDLERS}, RUNTIME, "src/app.Forms::Handler.process", Timeout=1)
    assert ruby.invoke(name, {"form": "sleeps"})[0]["errorType"] == "Sandbox.Timedout"


def test_memory_ends_at_the_functions(ruby: Platform, function: str) -> None:
    answer, _, failed = ruby.invoke(function, {"form": "takes"})
    assert failed
    assert answer["errorType"] == "Runtime.OutOfMemory"


def test_log_lines_are_those_of_aws(ruby: Platform, function: str) -> None:
    _, log, _ = ruby.invoke(function, {"form": "logs"})
    assert "\ntwo\nlines\n" in log
    assert re.search(r"^I, \[\S+ #\d+\]  INFO [0-9a-f-]{36} -- : hello$", log, re.MULTILINE), log


def test_log_lines_in_json(ruby: Platform) -> None:
    source = "require 'logger'\ndef handler(event:, context:)\n  Logger.new($stdout).warn('w')\n  raise 'no'\nend\n"
    name = ruby.create_from({"index.rb": source}, RUNTIME, "index.handler", LoggingConfig={"LogFormat": "JSON"})
    _, log, _ = ruby.invoke(name, {})
    told = [json.loads(line) for line in log.splitlines() if '"level"' in line]
    assert [(line["level"], line["message"]) for line in told if "requestId" in line] == [
        ("WARN", "w"),
        ("ERROR", "Error raised from handler method"),
    ]


def test_the_environment_is_the_runtimes_own(ruby: Platform, function: str) -> None:
    answer, _, _ = ruby.invoke(function, {"form": "environment"})
    assert answer["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert answer["GEM_PATH"] == "/var/task/vendor/bundle/ruby/3.3.0:/opt/ruby/gems/3.3.0"
    assert answer["RUBYLIB"] == "/var/task:/var/runtime/lib:/opt/ruby/lib"
    assert answer["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert answer["_HANDLER"] == "src/app.Forms::Handler.process"


def test_child_processes_inherit_no_channel(ruby: Platform, function: str) -> None:
    answer, log, _ = ruby.invoke(function, {"form": "processes"})
    assert answer == ["0", "1", "2", "3", "/var/task", "sbx_user1051"], log  # 3 is the listing's own


def test_a_file_that_cannot_be_loaded_is_told(ruby: Platform) -> None:
    answer, log, failed = ruby.invoke(ruby.create_from({"index.rb": "require 'nowhere'"}, RUNTIME, "index.handler"), {})
    assert failed
    assert answer["errorType"] == "Init<LoadError>"
    assert "cannot load such file -- nowhere" in answer["errorMessage"]
    assert "INIT_REPORT" in log


def test_layers_are_searched_for_gems_and_libraries(ruby: Platform) -> None:
    specification = (
        "Gem::Specification.new { |s| s.name, s.version, s.summary, s.authors = 'shown', '1.0', 'x', ['x'] }"
    )
    layer: dict[str, str | bytes] = {
        "ruby/gems/3.3.0/gems/shown-1.0/lib/shown.rb": "SHOWN = 'a gem'",
        "ruby/gems/3.3.0/specifications/shown-1.0.gemspec": specification,
        "ruby/lib/beside.rb": "BESIDE = 'a library'",
    }
    version = ruby.client("lambda").publish_layer_version(LayerName="gems", Content={"ZipFile": zipped(layer)})
    source = "require 'shown'\nrequire 'beside'\ndef handler(event:, context:) = [SHOWN, BESIDE]\n"
    for variables in ({}, {"RUBYOPT": "-W0"}):  # given to a process that waits, and to one that starts with it
        more = {"Layers": [version["LayerVersionArn"]], "Environment": {"Variables": variables}}
        answer, log, _ = ruby.invoke(ruby.create_from({"index.rb": source}, RUNTIME, "index.handler", **more), {})
        assert answer == ["a gem", "a library"], log


def program() -> dict[str, str | bytes]:
    """The package as `bundle install --path vendor/bundle` lays it out, of gems that Debian ships."""
    unpacked = PROGRAM / "packages" / "usr"
    if not (PROGRAM / "packages" / ".unpacked").exists():
        pytest.skip("the gems are not here: `make test` fetches them where there are Ruby and apt-get")
    home, files = "vendor/bundle/ruby/3.3.0", dict[str, str | bytes]()
    packaged = unpacked / "share/rubygems-integration/all"
    for each in packaged.rglob("*"):
        if each.is_file():
            files[f"{home}/{each.relative_to(packaged)}"] = each.read_bytes()
    (tilt,) = packaged.glob("specifications/tilt-*.gemspec")
    for each in (unpacked / "lib/ruby/vendor_ruby").rglob("*.rb"):  # Debian has taken that one out of its gem
        files[f"{home}/gems/{tilt.stem}/lib/{each.relative_to(unpacked / 'lib/ruby/vendor_ruby')}"] = each.read_bytes()
    return {**files, "app.rb": (PROGRAM / "app.rb").read_bytes()}


def test_a_web_program_with_its_gems_answers_behind_a_function_url(ruby: Platform) -> None:
    lambda_ = ruby.client("lambda")
    name = ruby.create_from(program(), RUNTIME, "app.handler", MemorySize=512, Timeout=30)
    url = lambda_.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    allowed = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    lambda_.add_permission(FunctionName=name, StatementId="public", **allowed)

    # One connection: what a program remembers lies in one environment, and another edge may have another one.
    connection = http.client.HTTPConnection(ruby.endpoint.removeprefix("http://"))

    def ask(path: str, body: bytes | None = None) -> tuple[int, Any, str]:
        headers = {"Host": url.split("/")[2], **(TEXT if body else {})}
        connection.request("PUT" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    assert ask("/notes/one", "a note: ü".encode())[0] == 201
    assert ask("/notes/one")[::2] == (200, "a note: ü")
    assert ask("/notes/other")[::2] == (404, "no such note")
    status, headers, page = ask("/page?name=Ada")
    assert (status, page) == (200, "<p>Ada</p>")
    assert headers["X-Made-By"].startswith("sinatra 3.")


def test_a_wrapper_starts_ruby_with_its_variables_and_options(ruby: Platform) -> None:
    """Source: as `test_wrappers`."""
    files = {"index.rb": WRAPPED, "wrapper": SCRIPT}
    variables = {WRAPPER: "/var/task/wrapper", "OWN": "the function's", "OPTIONS": "-d"}
    name = ruby.create_from(files, RUNTIME, "index.handler", ["wrapper"], Environment={"Variables": variables})
    answer, log, failed = ruby.invoke(name, {})
    assert not failed, log
    assert answer == ["of the wrapper", "the function's, changed", "of the wrapper", True, "index", "/var/task"]


def test_what_waits_of_ruby_is_shown(
    ruby: Platform, function: str, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    eventually(lambda: ruby.waiting("ruby"))


def test_a_version_that_is_not_here_is_refused_with_what_to_install(platform: Platform) -> None:
    if "ruby4.0" in platform.runtimes():
        pytest.skip("this host has it")
    with pytest.raises(Exception, match=r"ruby4\.0 needs Ruby 4\.0 .*rbenv install 4\.0.*--runtime-fallback"):
        platform.create("", Runtime="ruby4.0", Handler="index.handler")
