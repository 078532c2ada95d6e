"""The bootstrap of Node.js, run by a real Node.js over a socket pair.

Sources: Lambda Developer Guide, "Define Lambda function handler in Node.js"; the forms and texts of AWS's own runtime
interface client for Node.js; the frames are told in `lambent.environment.api`.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.runtimes.guests import RUNTIMES, WAIT_S, Start, ready, starter

from lambent.environment import frames

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not here: apt-get install nodejs")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """See `starter`."""
    yield from starter(f"{NODE} {RUNTIMES}/nodejs/bootstrap.js", tmp_path, "index.handler")


@pytest.mark.parametrize(
    ("files", "handler", "error_type"),
    [
        ({"index.js": "exports.handler = {"}, "index.handler", "Runtime.UserCodeSyntaxError"),
        ({"index.mjs": "export const handler ="}, "index.handler", "Runtime.UserCodeSyntaxError"),
        ({"index.js": "require('nowhere')"}, "index.handler", "Runtime.ImportModuleError"),
        ({}, "index.handler", "Runtime.ImportModuleError"),
        ({"index.js": "exports.other = 1"}, "index.handler", "Runtime.HandlerNotFound"),
        ({"index.js": "exports.handler = 1"}, "index.handler", "Runtime.HandlerNotFound"),
        ({"index.js": ""}, "index", "Runtime.MalformedHandlerName"),
        ({"index.js": ""}, "../index.handler", "Runtime.MalformedHandlerName"),
        ({"index.js": "throw new EvalError('x')"}, "index.handler", "EvalError"),
        ({"index.js": "setTimeout(() => {}); Promise.reject(1); exports.handler = 1"}, "index.handler", ""),
        ({"index.mjs": "await new Promise(() => {})"}, "index.handler", "Runtime.NodeJsExit"),
        (
            {"index.js": "Promise.reject(new Error('x')); exports.handler = async () => 1"},
            "index.handler",
            "Runtime.UnhandledPromiseRejection",
        ),
        (
            {"index.mjs": "Promise.reject(new Error('x')); export const handler = async () => 1"},
            "index.handler",
            "Runtime.UnhandledPromiseRejection",
        ),
    ],
)
def test_what_cannot_be_loaded_is_an_init_error_and_the_end(
    start: Start, files: dict[str, str], handler: str, error_type: str
) -> None:
    bootstrap = start(files, handler)
    frame = bootstrap.receive()
    assert frame is not None
    assert frame.kind == frames.INIT_ERROR
    assert json.loads(frame.payload)["errorType"] == frame.fields[0]
    assert frame.fields[0] == (error_type or frame.fields[0])
    assert bootstrap.receive() is None
    assert bootstrap.process.wait(WAIT_S) != 0


@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"index.js": "exports.handler = async (e) => e"}, "index.handler"),
        ({"index.cjs": "exports.handler = async (e) => e"}, "index.handler"),
        ({"index.js": "export const handler = async (e) => e", "package.json": '{"type": "module"}'}, "index.handler"),
        ({"a/b/index.mjs": "export const x = { y: async (e) => e }"}, "a/b/index.x.y"),
        ({"node_modules/lib/index.js": "exports.handler = async (e) => e"}, "lib.handler"),
    ],
)
def test_modules_are_found_where_aws_finds_them(start: Start, files: dict[str, str], handler: str) -> None:
    bootstrap = ready(start(files, handler))
    frame = bootstrap.invoke({"x": ["ü", None]})
    assert (frame.kind, frame.fields, json.loads(frame.payload)) == (frames.RESPONSE, ["r1"], {"x": ["ü", None]})


def test_a_process_that_nobody_needs_ends_without_a_word(start: Start) -> None:
    bootstrap = start({}, "")
    assert bootstrap.receive() is None
    assert bootstrap.process.wait(WAIT_S) == 0
    assert bootstrap.output() == ""


def test_what_ends_the_process_is_told_as_fatal(start: Start) -> None:
    bootstrap = ready(
        start({"index.js": "exports.handler = async () => { Promise.reject(new Error('no')) ; await 0 }"})
    )
    frame = bootstrap.invoke({})
    if frame.kind == frames.RESPONSE:  # the answer was first; then it is no invocation's error
        assert bootstrap.process.wait(WAIT_S) == 128
        return
    assert (frame.kind, frame.fields) == (frames.FATAL, ["r1", "Runtime.UnhandledPromiseRejection"])
    assert bootstrap.process.wait(WAIT_S) == 128


def test_only_the_first_word_of_a_handler_counts(start: Start) -> None:
    source = "exports.handler = (e, c, callback) => { callback(null, 1); callback(null, 2); c.fail('3') }"
    bootstrap = ready(start({"index.js": source}))
    assert json.loads(bootstrap.invoke({}).payload) == 1
    assert json.loads(bootstrap.invoke({}, "r2").payload) == 1


def test_an_answer_in_pieces_is_a_stream_chunks_and_an_end(start: Start) -> None:
    source = """
    exports.handler = awslambda.streamifyResponse(async (e, stream) => {
      stream.setContentType('text/x'); stream.write('one'); stream.end('two');
    });
    """
    bootstrap = ready(start({"index.js": source}))
    told = [bootstrap.invoke({})]
    while told[-1].kind != frames.RESPONSE:
        frame = bootstrap.receive()
        assert frame is not None
        told.append(frame)
    assert told[0].kind == frames.STREAM
    assert told[0].fields == ["r1", "text/x"]
    assert b"".join(frame.payload for frame in told) == b"onetwo"
    assert told[-1].payload == b""


def test_what_is_neither_text_nor_bytes_is_written_to_a_stream_as_json(start: Start) -> None:
    """As AWS's runtime interface client for Node.js has it."""
    source = """
    const { pipeline } = require('node:stream/promises'), { Readable } = require('node:stream');
    exports.handler = awslambda.streamifyResponse(async (e, stream) => {
      stream.write({ a: 1 }); stream.write(null); stream.write(new Uint8Array([33]));
      await pipeline(Readable.from([{ b: 2 }, [3]]), stream);
    });
    """
    bootstrap = ready(start({"index.js": source}))
    told = b""
    frame: frames.Frame | None = bootstrap.invoke({})
    while frame is not None and frame.kind in {frames.STREAM, frames.CHUNK}:
        told += frame.payload
        frame = bootstrap.receive()
    assert frame is not None
    assert (frame.kind, told) == (frames.RESPONSE, b'{"a":1}null!{"b":2}[3]')


def test_an_error_that_cannot_be_read_is_told_as_handled(start: Start) -> None:
    source = "exports.handler = async () => { throw Object.assign(new Error('x'), { stack: undefined }) }"
    bootstrap = ready(start({"index.js": source}))
    assert json.loads(bootstrap.invoke({}).payload)["errorType"] == "handled"


THREADS = """
import { SHARE_ENV, Worker } from 'node:worker_threads';
const look = `
  const { parentPort } = require('node:worker_threads');
  const tell = () => parentPort.postMessage([process.env._X_AMZN_TRACE_ID ?? null, process.env.OWN]);
  parentPort.on('message', tell);
  tell();
`;
const next = (thread) => new Promise((told) => thread.once('message', told));
let sharing;
export const handler = async (event) => {
  const seen = [];
  for (const env of [undefined, null, process.env, { OWN: 'given' }]) {
    const thread = new Worker(look, { eval: true, env });
    seen.push(await next(thread));
    await thread.terminate();
  }
  if (event.share && sharing === undefined) {
    sharing = new Worker(look, { eval: true, env: SHARE_ENV });
    sharing.unref();
    seen.push(await next(sharing));
  } else if (event.share) {
    sharing.postMessage('again');
    seen.push(await next(sharing));
  }
  return [...seen, [Object.keys(process.env).filter((name) => name.startsWith('_X')).length, Worker.name]];
};
"""


def test_threads_see_the_trace_header_as_they_do_where_it_is_a_variable_of_the_process(start: Start) -> None:
    """Node.js, worker_threads: a thread has a copy of its parent's variables, or with SHARE_ENV the same ones."""
    bootstrap = ready(start({"index.mjs": THREADS}, OWN="mine"))
    trace, given, last = ["Root=7", "mine"], [None, "given"], [1, "Worker"]
    told = [bootstrap.invoke({}, "r1", trace="Root=7"), bootstrap.invoke({"share": True}, "r2", trace="Root=7")]
    assert [json.loads(each.payload) for each in told] == [
        [trace, trace, trace, given, last],
        [trace, trace, trace, given, trace, last],
    ]
    later = json.loads(bootstrap.invoke({"share": True}, "r3", trace="Root=8").payload)
    assert later == [["Root=8", "mine"]] * 3 + [given, ["Root=8", "mine"], last]
    without = json.loads(bootstrap.invoke({"share": True}, "r4", trace="").payload)
    assert without == [[None, "mine"]] * 3 + [given, [None, "mine"], [0, "Worker"]]


def test_the_trace_header_is_a_variable_that_leaves_no_trace(start: Start) -> None:
    source = """
    exports.handler = async () => [
      process.env._X_AMZN_TRACE_ID ?? null, '_X_AMZN_TRACE_ID' in process.env,
      Object.keys(process.env).filter((name) => name.startsWith('_X')).length,
      require('node:child_process').execSync('echo -n $_X_AMZN_TRACE_ID').toString(),
    ];
    """
    bootstrap = ready(start({"index.js": source}))
    assert json.loads(bootstrap.invoke({}, trace="Root=7").payload) == ["Root=7", True, 1, "Root=7"]
    assert json.loads(bootstrap.invoke({}, "r2", trace="").payload) == [None, False, 0, ""]


def test_variables_are_those_of_the_assignment_and_no_others(start: Start) -> None:
    source = "process.env.NEW = 1; exports.handler = async () => [process.env, process.cwd(), process.env.NEW]"
    bootstrap = ready(start({"index.js": source}, WANTED="yes"))
    variables, folder, new = json.loads(bootstrap.invoke({}, trace="").payload)
    assert variables == {"PATH": "/usr/bin:/bin", "WANTED": "yes", "NEW": "1"}
    assert Path(folder).name == Path(bootstrap.root).name
    assert new == "1"
