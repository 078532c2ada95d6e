'use strict';
// process.env with the trace header of the present invocation, which is not kept in the C library's environment:
// setenv(3) never frees what it was given, a hundred bytes at each invocation. A thread copies that environment when it
// begins, behind our back, so threads are given a copy of what the function sees; from the first on that shares it
// (SHARE_ENV) the header is kept there after all, because nothing else is shared.

const worker_threads = require('node:worker_threads');
const { syncBuiltinESMExports } = require('node:module');

const NAME = '_X_AMZN_TRACE_ID';
let header;
let shared; // the real variables, once a thread sees them too

/** Set for one invocation; an empty one takes it away. */
function setTrace(value) {
  if (shared === undefined) header = value || undefined;
  else if (value) shared[NAME] = value;
  else delete shared[NAME];
}

function trace() {
  return shared === undefined ? header : shared[NAME];
}

/** `variables`, as a function is to see them. */
function traced(variables) {
  return new Proxy(variables, {
    get: (target, name) => (name === NAME ? trace() : target[name]),
    has: (target, name) => (name === NAME ? trace() !== undefined : name in target),
    set(target, name, value) {
      if (name === NAME) setTrace(String(value));
      else target[name] = value;
      return true;
    },
    deleteProperty(target, name) {
      if (name === NAME) setTrace('');
      return delete target[name];
    },
    ownKeys: (target) => [...new Set([...Reflect.ownKeys(target), ...(trace() === undefined ? [] : [NAME])])],
    getOwnPropertyDescriptor(target, name) {
      if (name !== NAME) return Reflect.getOwnPropertyDescriptor(target, name);
      if (trace() === undefined) return undefined;
      return { value: trace(), writable: true, enumerable: true, configurable: true };
    },
    defineProperty(target, name, descriptor) {
      if (name !== NAME) return Reflect.defineProperty(target, name, descriptor);
      setTrace(String(descriptor.value));
      return true;
    },
  });
}

/** Threads that begin from now on see the header as well; `variables` are the real ones. */
function traceThreads(variables) {
  const { SHARE_ENV, Worker } = worker_threads;
  worker_threads.Worker = class extends Worker {
    constructor(file, options) {
      if (options?.env === SHARE_ENV && shared === undefined) {
        shared = variables;
        setTrace(header);
      }
      super(file, options?.env == null ? { ...options, env: { ...process.env } } : options);
    }
  };
  Object.defineProperty(worker_threads.Worker, 'name', { value: 'Worker' });
  syncBuiltinESMExports();
}

module.exports = { setTrace, traceThreads, traced };
