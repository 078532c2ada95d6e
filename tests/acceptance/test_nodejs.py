"""Functions in JavaScript on a real server: how handlers answer, how they fail, what is in the log.

Sources: Lambda Developer Guide, "Building Lambda functions with Node.js" (handler forms, context, errors, logging); the
texts of AWS's own runtime interface client for Node.js; behaviours sections 8, 12 and 15.
"""

import json
import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.conftest import zipped
from tests.acceptance.test_extensions import WATCHER, layer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.conftest import Platform

HANDLERS = """
const started = await Promise.resolve('top-level await');
const later = (ms) => new Promise((done) => setTimeout(done, ms));
const forms = {
  value: async (event, context) => ({ started, event, left: context.getRemainingTimeInMillis() > 1000, context }),
  callback: (event, context, callback) => { setTimeout(() => callback(null, 'called back'), 5) },
  'does not wait': (event, context, callback) => {
    context.callbackWaitsForEmptyEventLoop = false;
    setTimeout(() => {}, 300);
    callback(null, 'at once');
  },
  waits: (event, context, callback) => {
    setTimeout(() => console.log('before the answer'), 50);
    callback(null, 'waited');
  },
  'callback error': (event, context, callback) => callback(new RangeError('told')),
  succeed: (event, context) => context.succeed('done'),
  fail: (event, context) => context.fail('a text'),
  'no answer': () => {},
  throws: async () => { throw new TypeError('thrown') },
  'never settles': () => later(0).then(() => new Promise(() => {})),
  circular: async () => { const me = {}; me.me = me; return me },
  rejects: async () => { Promise.reject(new Error('unseen')); await later(5000) },
  'throws outside': async () => { setTimeout(() => { throw new Error('outside') }, 1); await later(5000) },
  exits: async () => process.exit(3),
  logs: async () => {
    console.log('two\\nlines', { a: 1 }); console.debug('d'); console.warn('w'); console.error('e'); console.trace('t');
    process.stdout.write('plain\\n');
  },
  environment: async () => ({ ...process.env, trace: process.env._X_AMZN_TRACE_ID }),
  processes: async () => {
    const { execSync } = await import('node:child_process');
    return execSync('ls /proc/self/fd; pwd; id -un', { encoding: 'utf8' }).split('\\n');
  },
  garbage: async () => {
    let held = [];
    for (let i = 0; i < 400; i++) { held.push(new Array(20_000).fill(i)); if (held.length > 100) held = [] }
    return 'lives';
  },
};
export const nested = { handler: (event, context, callback) => forms[event.form](event, context, callback) };
"""


@pytest.fixture(scope="module")
def function(platform: "Platform") -> str:
    """One function for all forms."""
    files: dict[str, str | bytes] = {"src/app.mjs": HANDLERS}
    return create(platform, files, "src/app.nested.handler")


def create(platform: "Platform", files: dict[str, str | bytes], handler: str, **parameters: Any) -> str:
    if not any(each.startswith("nodejs") for each in platform.runtimes()):
        pytest.skip("Node.js 20 or newer is not here: apt-get install nodejs")
    return platform.create_from(files, platform_runtime(platform), handler, **parameters)


def platform_runtime(platform: "Platform") -> str:
    return next(each for each in sorted(platform.runtimes()) if each.startswith("nodejs"))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("callback", "called back"),
        ("does not wait", "at once"),
        ("waits", "waited"),
        ("succeed", "done"),
        ("no answer", None),
        ("never settles", None),
        ("garbage", "lives"),
    ],
)
def test_a_handler_answers_by(platform: "Platform", function: str, form: str, expected: Any) -> None:
    answer, log, failed = platform.invoke(function, {"form": form})
    assert (answer, failed) == (expected, False), log
    assert ("before the answer" in log) == (form == "waits")


def test_a_handler_knows_its_invocation(platform: "Platform", function: str) -> None:
    answer, _, _ = platform.invoke(function, {"form": "value"})
    assert answer["started"] == "top-level await"
    assert answer["left"] is True
    context = answer["context"]
    assert (context["functionName"], context["functionVersion"], context["memoryLimitInMB"]) == (
        function,
        "$LATEST",
        "128",
    )
    assert context["invokedFunctionArn"].endswith(f":function:{function}")
    assert re.fullmatch(r"[0-9a-f-]{36}", context["awsRequestId"])
    assert context["logGroupName"] == f"/aws/lambda/{function}"


@pytest.mark.parametrize(
    ("form", "error_type", "message"),
    [
        ("throws", "TypeError", "thrown"),
        ("callback error", "RangeError", "told"),
        ("fail", "string", "a text"),
        ("circular", "Error", "Unable to stringify response body"),
        ("rejects", "Runtime.UnhandledPromiseRejection", "Error: unseen"),
        ("throws outside", "Error", "outside"),
    ],
)
def test_an_error_is_told_as_on_aws(
    platform: "Platform", function: str, form: str, error_type: str, message: str
) -> None:
    answer, log, failed = platform.invoke(function, {"form": form})
    assert failed
    assert (answer["errorType"], answer["errorMessage"]) == (error_type, message), log
    assert isinstance(answer["trace"], list)
    assert "\tERROR\t" in log
    assert platform.invoke(function, {"form": "succeed"})[0] == "done"  # in this process or the next


def test_a_process_that_ends_is_told_with_its_status(platform: "Platform", function: str) -> None:
    answer, _, _ = platform.invoke(function, {"form": "exits"})
    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"].endswith("Runtime exited with error: exit status 3")


def test_what_is_written_to_the_console_is_a_line_with_time_request_and_level(
    platform: "Platform", function: str
) -> None:
    _, log, _ = platform.invoke(function, {"form": "logs"})
    lines = re.findall(r"^\d{4}-\d\d-\d\dT[\d:.]+Z\t[0-9a-f-]{36}\t([A-Z]+)\t(.*)$", log, re.MULTILINE)
    assert lines == [("INFO", "two"), ("DEBUG", "d"), ("WARN", "w"), ("ERROR", "e"), ("TRACE", "t")]
    assert "two\nlines { a: 1 }\n" in log
    assert "\nplain\n" in log


def test_log_lines_in_json_have_the_levels_that_are_wanted(platform: "Platform") -> None:
    source = """
    exports.handler = async () => {
      console.info('hidden'); console.warn({ a: 1 }); console.error('failed', new RangeError('why'));
    };
    """
    logging = {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}
    name = create(platform, {"index.js": source}, "index.handler", LoggingConfig=logging)
    _, log, _ = platform.invoke(name, {})
    told = [json.loads(line) for line in log.splitlines() if '"level"' in line]
    assert [(line["level"], line["message"]) for line in told if line["level"] == "WARN"] == [("WARN", {"a": 1})]
    (error,) = [line for line in told if line["level"] == "ERROR"]
    assert (error["errorType"], error["errorMessage"]) == ("RangeError", "why")
    assert re.fullmatch(r"[0-9a-f-]{36}", error["requestId"])
    assert "hidden" not in log


def test_the_environment_is_the_runtimes_own(platform: "Platform", function: str) -> None:
    answer, _, _ = platform.invoke(function, {"form": "environment"})
    major = re.findall(r"\d+", answer["AWS_EXECUTION_ENV"])[0]
    assert answer["AWS_EXECUTION_ENV"] == f"AWS_Lambda_nodejs{major}.x"
    assert answer["NODE_PATH"].startswith(f"/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:")
    assert answer["trace"].startswith("Root=1-")
    assert answer["_HANDLER"] == "src/app.nested.handler"


def test_child_processes_inherit_no_channel(platform: "Platform", function: str) -> None:
    answer, log, _ = platform.invoke(function, {"form": "processes"})
    assert answer == ["0", "1", "2", "3", "/var/task", "sbx_user1051", ""], log  # 3 is the listing's own


@pytest.mark.parametrize(
    ("files", "handler", "error_type"),
    [
        ({"index.js": "require('nowhere')"}, "index.handler", "Runtime.ImportModuleError"),
        ({"index.mjs": "await new Promise(() => {})"}, "index.handler", "Runtime.NodeJsExit"),
    ],
)
def test_a_module_that_cannot_be_loaded_is_told(
    platform: "Platform", files: dict[str, str | bytes], handler: str, error_type: str
) -> None:
    answer, log, failed = platform.invoke(create(platform, files, handler), {})
    assert failed
    assert answer["errorType"] == error_type, log
    assert "INIT_REPORT" in log


LOOKS = """
const fs = require('node:fs');
const early = fs.existsSync('/tmp/started');
const heard = () => fs.existsSync('/tmp/heard') ? fs.readFileSync('/tmp/heard', 'utf8').trim().split('\\n') : [];
exports.handler = async (event) => {
  if (event.exit) process.exit(3);
  while (heard().length < 1) await new Promise((done) => setTimeout(done, 5));
  return { early, api: process.env.AWS_LAMBDA_RUNTIME_API, heard: heard() };
};
"""
LAYERED = "exports.handler = async () => [require('first').name, require('second'), process.execArgv.length]"
IMPORTED = """import { name } from 'first';
import { own } from '@team/versioned/part.mjs';
import { readFile } from 'node:fs/promises';
const missing = await import('nowhere').catch((error) => [error.code, error.message.includes('/opt')]);
export const handler = async () => [name, own, typeof readFile, missing];
"""


def test_layers_are_searched_for_modules(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    layer: dict[str, str | bytes] = {
        "nodejs/node_modules/first/index.js": "exports.name = 'first'",
        "nodejs/node_modules/second/index.js": "module.exports = 2",
    }
    version = lambda_.publish_layer_version(LayerName="modules", Content={"ZipFile": zipped(layer)})
    name = create(platform, {"index.js": LAYERED}, "index.handler", Layers=[version["LayerVersionArn"]])
    assert platform.invoke(name, {})[0][:2] == ["first", 2]


def test_modules_of_layers_for_one_version_are_imported(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    (major,) = [each.removeprefix("nodejs").removesuffix(".x") for each in platform.runtimes() if "nodejs" in each][:1]
    layer: dict[str, str | bytes] = {
        "nodejs/node_modules/first/index.js": "exports.name = 'first'",
        f"nodejs/node{major}/node_modules/@team/versioned/part.mjs": "export { name as own } from 'first';",
    }
    version = lambda_.publish_layer_version(LayerName="versioned", Content={"ZipFile": zipped(layer)})
    name = create(platform, {"index.mjs": IMPORTED}, "index.handler", Layers=[version["LayerVersionArn"]])
    answer, log, _ = platform.invoke(name, {})
    assert answer == ["first", "first", "function", ["ERR_MODULE_NOT_FOUND", False]], log


def test_an_extension_starts_first_and_hears_of_every_invocation(platform: "Platform") -> None:
    layer = layer_of(platform, {"watcher": WATCHER})
    name = create(platform, {"index.js": LOOKS}, "index.handler", Layers=[layer], Timeout=60)
    answer, log, failed = platform.invoke(name, {})
    assert not failed, log
    assert answer["early"] is True
    assert answer["api"] == "127.0.0.1:9001"
    assert [json.loads(line)["eventType"] for line in answer["heard"]] == ["INVOKE"]
    answer, log, failed = platform.invoke(name, {"exit": True})
    assert answer["errorMessage"].endswith("Runtime exited with error: exit status 3"), log


def test_variables_that_node_reads_at_its_start_are_honoured(platform: "Platform") -> None:
    source = "exports.handler = async () => [globalThis.early, process.env.AWS_LAMBDA_EXEC_WRAPPER, process.argv0]"
    files: dict[str, str | bytes] = {"index.js": source, "early.js": "globalThis.early = 'required first'"}
    variables = {"NODE_OPTIONS": "--require /var/task/early.js"}
    name = create(platform, files, "index.handler", Environment={"Variables": variables})
    assert platform.invoke(name, {})[0][0] == "required first"


@pytest.mark.parametrize(
    ("options", "expected"), [("", "ERR_REQUIRE_ESM"), ("--no-warnings --experimental-require-module", "a module")]
)
def test_require_of_an_es_module_is_switched_off_until_node_options_want_it(
    platform: "Platform", options: str, expected: str
) -> None:
    """Source: Lambda Developer Guide, "Building Lambda functions with Node.js", experimental features."""
    source = """
    exports.handler = async () => {
      try { return require('./other.mjs').what } catch (error) { return error.code }
    }
    """
    files: dict[str, str | bytes] = {"index.js": source, "other.mjs": "export const what = 'a module'"}
    variables = {"NODE_OPTIONS": options} if options else {}
    name = create(platform, files, "index.handler", Environment={"Variables": variables})
    assert platform.invoke(name, {})[0] == expected


def test_an_answer_in_pieces(platform: "Platform") -> None:
    source = """
    const { pipeline } = require('node:stream/promises');
    exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.setContentType('text/plain');
      if (event.fails) { stream.write('begun'); throw new Error('broke off') }
      stream.write('first ');
      await pipeline((function* () { for (let i = 0; i < 3; i++) yield Buffer.alloc(100_000, 'x') })(), stream);
    });
    """
    name = create(platform, {"index.js": source}, "index.handler")
    lambda_ = platform.client("lambda")
    events = list(lambda_.invoke_with_response_stream(FunctionName=name, Payload="{}")["EventStream"])
    told = b"".join(event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event)
    assert told == b"first " + b"x" * 300_000
    failed = list(lambda_.invoke_with_response_stream(FunctionName=name, Payload='{"fails": true}')["EventStream"])
    assert failed[-1]["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert "broke off" in failed[-1]["InvokeComplete"]["ErrorDetails"]


def test_an_http_answer_in_pieces_begins_with_its_status(platform: "Platform") -> None:
    source = """
    exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      const prelude = { statusCode: 418, headers: { 'X-Kind': 'teapot' }, cookies: ['a=b'] };
      const out = awslambda.HttpResponseStream.from(stream, prelude);
      out.write('short '); out.write('and stout'); out.end();
    });
    """
    name = create(platform, {"index.js": source}, "index.handler")
    lambda_ = platform.client("lambda")
    url = lambda_.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    allowed = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    lambda_.add_permission(FunctionName=name, StatementId="public", **allowed)
    asked = urllib.request.Request(platform.endpoint, headers={"Host": url["FunctionUrl"].split("/")[2]})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(asked)
    told = caught.value
    assert (told.code, told.headers["X-Kind"], told.headers["Set-Cookie"]) == (418, "teapot", "a=b")
    assert told.read() == b"short and stout"


def test_what_waits_of_each_runtime_is_shown(
    platform: "Platform", function: str, eventually: "Callable[[Callable[[], Any]], Any]"
) -> None:
    runtime = platform_runtime(platform)
    eventually(lambda: any(pool["memory_mb"] == 128 for pool in platform.waiting(runtime)))
    assert platform_runtime(platform) in platform.lambent("runtimes").stdout


def test_a_version_that_is_not_here_is_refused_with_what_to_install(platform: "Platform") -> None:
    if "nodejs26.x" in platform.runtimes():
        pytest.skip("this host has every version")
    with pytest.raises(Exception, match=r"nodejs26\.x needs Node\.js 26 .*nvm install 26.*--runtime-fallback"):
        platform.create("", Runtime="nodejs26.x", Handler="index.handler")
