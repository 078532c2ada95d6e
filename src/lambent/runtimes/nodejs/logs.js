'use strict';
// console.* as AWS writes it: `TIME\tREQUEST ID\tLEVEL\ttext`, or one JSON object.
//
// One call is one log event: it goes out in a single write that begins with NUL and has its newlines as NUL (see
// lambent/environment/api.py). process.stdout and process.stderr are left alone.
// Source: Lambda Developer Guide, "Log and monitor Node.js Lambda functions"; behaviours section 15.

const fs = require('node:fs');
const { format } = require('node:util');
const { formatted, intoError } = require('./errors.js');

const STDOUT = 1;
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const METHODS = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };
const SLEEPER = new Int32Array(new SharedArrayBuffer(4));

/** Write all of `text` now, even where the pipe is full. */
function writeWhole(text) {
  let rest = Buffer.from(text);
  while (rest.length) {
    try {
      rest = rest.subarray(fs.writeSync(STDOUT, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') return; // the function has closed it
      Atomics.wait(SLEEPER, 0, 0, 1);
    }
  }
}

class Logs {
  constructor(variables) {
    this.requestId = undefined;
    this._json = variables.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
    const least = Math.max(LEVELS.indexOf(variables.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()), 0);
    for (const [method, level] of Object.entries(METHODS)) {
      const shown = LEVELS.indexOf(level) >= least;
      console[method] = shown ? (...said) => this._write(level, said) : () => {};
    }
  }

  /** The runtime's own word on `thrown`. */
  error(title, thrown) {
    const error = intoError(thrown);
    if (this._json) console.error(error);
    else console.error(title, formatted(error));
  }

  _write(level, said) {
    const time = new Date().toISOString();
    const line = this._json
      ? jsonLine(time, level, this.requestId, said)
      : `${time}\t${this.requestId}\t${level}\t${format(...said)}`;
    writeWhole(`\0${line.replaceAll('\0', '').replaceAll('\n', '\0')}\n`);
  }
}

function errorMembers(error) {
  const stackTrace = typeof error.stack === 'string' ? error.stack.split('\n') : [];
  return { errorType: error?.constructor?.name ?? 'UnknownError', errorMessage: error.message, stackTrace };
}

function jsonLine(timestamp, level, requestId, said) {
  const line = { timestamp, level, requestId };
  if (said.length === 1) {
    try {
      const shown = (_, value) => (value instanceof Error ? { ...errorMembers(value), ...value } : value);
      return JSON.stringify({ ...line, message: said[0] }, shown);
    } catch {
      return JSON.stringify({ ...line, message: format(said[0]) });
    }
  }
  const error = said.find((each) => each instanceof Error);
  return JSON.stringify({ ...line, message: format(...said), ...(error === undefined ? {} : errorMembers(error)) });
}

module.exports = { Logs };
