'use strict';
// One invocation after the other: the ways in which a handler may answer, and how a process may end.
//
// A promise's value is answered at once. A callback's waits until the event loop is empty, unless the function says
// `callbackWaitsForEmptyEventLoop = false`; a loop that is empty before any answer ends the invocation too. What is
// thrown outside of a handler, and rejections that nobody handles, end the invocation and the process.
//
// Source: Lambda Developer Guide, "Define Lambda function handler in Node.js"; statuses 128 and 129, and the texts, are
// those of AWS's runtime interface client. Node.js 24 took the callbacks away.

const { completed, functionFacts } = require('./context.js');
const { ERROR, FATAL, INIT_ERROR, READY, RESPONSE } = require('./channel.js');
const { RuntimeFault, rejection, told } = require('./errors.js');
const { HIGH_WATER_MARK, ResponseStream, STREAMING } = require('./streaming.js');
const { setTrace } = require('./trace.js');

const NO_CALLBACKS_SINCE = 24;
const MAJOR = Number(process.versions.node.split('.')[0]);
const REJECTED = 128;
const UNCAUGHT = 129;
const UNSETTLED =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that ' +
  'was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes';
const NO_CALLBACKS =
  'AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. Make the handler async: ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html';

class Runtime {
  constructor(channel, logs, started) {
    this._channel = channel;
    this._logs = logs;
    this._started = started;
    this._facts = functionFacts(process.env);
    this._handler = undefined;
    this._current = undefined; // the id of what is being served
    this._whenIdle = undefined; // to be done when the event loop is empty
    this._serving = false;
    this._ending = false;
    channel.onInvoke = (invocation) => this._invoke(invocation);
    process.on('beforeExit', () => this._loopIsEmpty());
    process.on('uncaughtException', (error) => this._die('Uncaught Exception', error, UNCAUGHT));
    process.on('unhandledRejection', (reason, promise) => {
      this._die('Unhandled Promise Rejection', rejection(reason, promise), REJECTED);
    });
  }

  /** The init phase is over. */
  serve(handler) {
    if (MAJOR >= NO_CALLBACKS_SINCE && !handler[STREAMING] && handler.length >= 3) {
      throw new RuntimeFault('Runtime.CallbackHandlerDeprecated', NO_CALLBACKS);
    }
    this._handler = handler;
    this._isAsync = handler.constructor?.name === 'AsyncFunction';
    setImmediate(() => this._begin()); // what the module rejected and nobody handles is told before
  }

  _begin() {
    if (this._ending) return;
    this._serving = true;
    this._flushed(() => {
      this._channel.send(READY, this._elapsed(), '');
      this._channel.listen();
    });
  }

  /** There is no handler: say why, and end. */
  failInit(error, status = 1) {
    if (this._ending) return;
    this._ending = true;
    if (status === 1) this._logs.error('Uncaught Exception', error);
    const answer = told(error);
    const meta = `${plain(answer.errorType)}\0${this._elapsed()}`;
    this._flushed(() => this._channel.send(INIT_ERROR, meta, JSON.stringify(answer), () => process.exit(status)));
  }

  _elapsed() {
    return String((process.hrtime.bigint() - this._started) / 1000n);
  }

  _invoke(invocation) {
    const { requestId, trace, payload } = invocation;
    this._current = requestId;
    this._logs.requestId = requestId;
    setTrace(trace);
    this._channel.attend();
    const handler = this._handler; // called without an object of ours for `this`
    if (handler[STREAMING]) this._stream(handler, invocation);
    else {
      const [context, callback, done] = this._waysToAnswer(requestId);
      this._whenIdle = () => this._unanswered(requestId);
      try {
        const made = handler(JSON.parse(payload), completed(context, this._facts, invocation), callback);
        if (typeof made?.then === 'function') {
          made.then(
            (value) => done(null, value),
            (error) => done(error ?? 'handled'),
          );
        }
      } catch (error) {
        done(error ?? 'handled');
      }
    }
  }

  /** The context's own part, the callback, and what a promise's end calls; only the first word of all counts. */
  _waysToAnswer(requestId) {
    let waits = true;
    let finished = false;
    const once = (call) => (...given) => {
      if (finished) return;
      finished = true;
      call(...given);
    };
    const isError = (error) => error !== undefined && error !== null;
    const done = once((error, value) => (isError(error) ? this._fail(requestId, error) : this._answer(requestId, value)));
    const callback = once((error, value) => {
      if (isError(error)) this._fail(requestId, error);
      else if (waits) this._whenIdle = () => this._answer(requestId, value);
      else this._answer(requestId, value);
    });
    if (MAJOR >= NO_CALLBACKS_SINCE) return [{}, undefined, done];
    const context = {
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
      succeed: (value) => done(null, value),
      fail: (error) => done(error ?? 'handled'),
      done,
    };
    return [context, callback, done];
  }

  _stream(handler, invocation) {
    const { requestId, payload } = invocation;
    const stream = new ResponseStream(this._channel, requestId, handler[HIGH_WATER_MARK]);
    stream.on('error', () => {}); // told to whoever waits for it; here it is no exception of the process
    this._whenIdle = () => this._fail(requestId, new RuntimeFault('Runtime.NodeJsExit', UNSETTLED));
    const context = completed({ callbackWaitsForEmptyEventLoop: true }, this._facts, invocation);
    const over = () => this._end(requestId, RESPONSE, requestId, '');
    const served = (value) => {
      if (value !== undefined) console.warn('Streaming handlers ignore return values.');
      if (stream.writableFinished) over();
      else if (stream.writableEnded) stream.once('finish', over);
      else this._fail(requestId, 'Response stream is not finished.');
    };
    try {
      const made = handler(JSON.parse(payload), stream, context);
      if (typeof made?.then === 'function') made.then(served, (error) => this._fail(requestId, error));
      else this._fail(requestId, 'Streaming does not support non-async handlers.');
    } catch (error) {
      this._fail(requestId, error);
    }
  }

  _loopIsEmpty() {
    if (!this._serving) {
      // Nothing can settle any more what the module awaits at its top level.
      this.failInit(new RuntimeFault('Runtime.NodeJsExit', UNSETTLED));
      return;
    }
    const call = this._whenIdle;
    this._whenIdle = undefined;
    if (call !== undefined && this._current !== undefined) setImmediate(call);
  }

  _unanswered(requestId) {
    if (this._isAsync) this._fail(requestId, new RuntimeFault('Runtime.NodeJsExit', UNSETTLED));
    else this._answer(requestId, null);
  }

  _answer(requestId, value) {
    let text;
    try {
      text = JSON.stringify(value === undefined ? null : value) ?? 'null';
    } catch {
      this._fail(requestId, new Error('Unable to stringify response body'));
      return;
    }
    this._end(requestId, RESPONSE, requestId, text);
  }

  _fail(requestId, error) {
    if (this._current !== requestId) return;
    this._logs.error('Invoke Error', error);
    const answer = told(error);
    this._end(requestId, ERROR, `${requestId}\0${plain(answer.errorType)}`, JSON.stringify(answer));
  }

  /** Once for each invocation: its answer, after everything that was printed. */
  _end(requestId, kind, meta, payload) {
    if (this._current !== requestId || this._ending) return;
    this._current = this._whenIdle = undefined;
    this._channel.listen();
    this._flushed(() => this._channel.send(kind, meta, payload));
  }

  _die(title, error, status) {
    this._logs.error(title, error);
    if (!this._serving) {
      this.failInit(error, status);
      return;
    }
    if (this._ending) return;
    this._ending = true;
    const requestId = this._current;
    if (requestId === undefined) process.exit(status);
    const answer = told(error);
    const meta = `${requestId}\0${plain(answer.errorType)}`;
    this._flushed(() => this._channel.send(FATAL, meta, JSON.stringify(answer), () => process.exit(status)));
  }

  /** Do `call` when what was printed is on its way: nearly always it is. */
  _flushed(call) {
    const waiting = [process.stdout, process.stderr].filter((each) => each.writable && each.writableLength > 0);
    if (waiting.length === 0) call();
    else waiting[0].write('', () => this._flushed(call));
  }
}

/** An error's type as a field of a frame. */
function plain(type) {
  return String(type).replaceAll('\0', '').slice(0, 256);
}

module.exports = { Runtime };
