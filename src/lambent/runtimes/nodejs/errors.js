'use strict';
// Errors as a caller sees them, and as the log shows them.
//
// Source: Lambda Developer Guide, "AWS Lambda function errors in Node.js" ({errorType, errorMessage, trace}); the
// names of the runtime's own errors are AWS's.

const { types } = require('node:util');

class RuntimeFault extends Error {
  /** An error of the runtime itself: `name` is its whole type. */
  constructor(name, message, cause) {
    super(message);
    this.name = name;
    if (cause !== undefined && typeof cause.stack === 'string') this.stack = `${name}: ${message}\n${framesOf(cause.stack)}`;
  }
}

function framesOf(stack) {
  const at = stack.indexOf('\n');
  return at < 0 ? '' : stack.slice(at + 1);
}

function looksLikeError(value) {
  return ['name', 'message', 'stack'].every((key) => typeof value?.[key] === 'string');
}

/** The body of an answer that tells of `error`. */
function told(error) {
  try {
    if (types.isNativeError(error) || looksLikeError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: error.stack.split('\n') };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    const errorMessage =
      'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack';
    return { errorType: 'handled', errorMessage };
  }
}

/** `error` with all that it carries, for the log in text form. */
function formatted(error) {
  try {
    return `\t${JSON.stringify(error, (_, value) => (value instanceof Error ? enumerable(value) : value))}`;
  } catch {
    return `\t${JSON.stringify(told(error))}`;
  }
}

function enumerable(error) {
  const shown = { errorType: error.name, errorMessage: error.message, code: error.code, ...error };
  if (typeof error.stack === 'string') shown.stack = error.stack.split('\n');
  return shown;
}

/** Something thrown, as an Error. */
function intoError(thrown) {
  return thrown instanceof Error ? thrown : new Error(thrown);
}

/** What a rejection that nobody handled is told as. */
function rejection(reason, promise) {
  const error = new RuntimeFault('Runtime.UnhandledPromiseRejection', String(reason));
  return Object.assign(error, { reason, promise });
}

module.exports = { RuntimeFault, told, formatted, intoError, rejection };
