'use strict';
// The bootstrap of Node.js functions: started before it is known for which function, given one through descriptor 4.
//
// What most functions load is loaded first, then this process waits in a read, which costs nothing. The assignment is
// one JSON text, up to the end of the pipe; an end without a text means that nobody needs us. From then on it is the
// function's process: its variables, its folder, its handler, and invocations as frames on descriptor 3.
//
// Rules for every module beside this one: the standard library only, Node.js 20 and newer, nothing of Lambent's.
// Sources: Lambda Developer Guide, "Building Lambda functions with Node.js"; the behaviour of AWS's own open runtime
// interface client for Node.js was compared. The form of a frame: lambent/environment/api.py.

const fs = require('node:fs');
const { Channel } = require('./channel.js');
const { importFromLayers } = require('./layers.js');
const { installAwslambda } = require('./streaming.js');
const { loadHandler } = require('./loader.js');
const { Logs } = require('./logs.js');
const { Runtime } = require('./runtime.js');
const { traceThreads, traced } = require('./trace.js');

// Parsed and compiled ahead: what the AWS SDK and web frameworks ask for first.
for (const name of ['http', 'https', 'crypto', 'zlib', 'stream', 'url', 'util', 'events', 'fs/promises', 'dns', 'module']) {
  require(`node:${name}`);
}

const CHANNEL = 3;
const ASSIGNMENT = 4;
const JSON_NESTED = JSON.parse(JSON.stringify({ warm: [true, 1, 'text'] })); // the parser's first use costs the most

/** Wait for the assignment; undefined when there will be none. */
function receive() {
  const text = fs.readFileSync(ASSIGNMENT, 'utf8');
  fs.closeSync(ASSIGNMENT);
  return text === '' ? undefined : JSON.parse(text);
}

/** Become the function's process: its variables, which one that was started for it has already, and its folder. */
function settle(assignment) {
  if (assignment.variables !== null) {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, assignment.variables);
  }
  if (assignment.runtime_api) process.env.AWS_LAMBDA_RUNTIME_API = assignment.runtime_api;
  traceThreads(process.env);
  process.env = traced(process.env);
  process.chdir(assignment.task_root);
  require('node:module').Module._initPaths(); // NODE_PATH was read before it was ours
}

async function main() {
  const warm = process.stdout.writable && process.stderr.writable && JSON_NESTED.warm[0]; // both are made at first use
  const assignment = receive();
  if (!warm || assignment === undefined) process.exit(0);
  const started = process.hrtime.bigint();
  settle(assignment);
  const channel = new Channel(CHANNEL);
  const runtime = new Runtime(channel, new Logs(process.env), started);
  installAwslambda();
  importFromLayers();
  try {
    runtime.serve(await loadHandler(assignment.task_root, assignment.handler));
  } catch (error) {
    runtime.failInit(error);
  }
}

main();
