'use strict';
// Answers in pieces: `awslambda.streamifyResponse`, and the stream that such a handler writes to.
//
// Sources: Lambda Developer Guide, "Response streaming for Lambda functions" and "Writing response streaming-enabled
// functions"; behaviours sections 13 and 17 (prelude, eight NULs, content type).

const { Writable } = require('node:stream');
const { CHUNK, STREAM } = require('./channel.js');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const PIECE_BYTES = 65536;
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response';
const ORDINARY_TYPE = 'application/octet-stream';

class ResponseStream extends Writable {
  constructor(channel, requestId, highWaterMark) {
    super(highWaterMark === undefined ? {} : { highWaterMark });
    this._channel = channel;
    this._requestId = requestId;
    this._contentType = ORDINARY_TYPE;
    this._onBeforeFirstWrite = undefined;
    this._opened = false;
  }

  /** The content type of the answer, until its first bytes are sent. */
  setContentType(type) {
    if (this._opened) throw new Error('Cannot set content-type, too late.');
    this._contentType = String(type).replaceAll('\0', '');
  }

  /** What is neither a text nor bytes goes out as JSON. */
  write(chunk, ...rest) {
    return super.write(typeof chunk === 'string' || ArrayBuffer.isView(chunk) ? chunk : JSON.stringify(chunk), ...rest);
  }

  _write(chunk, encoding, done) {
    this._open();
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    let keepsPace = true;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      keepsPace = this._channel.send(CHUNK, this._requestId, bytes.subarray(at, at + PIECE_BYTES));
    }
    if (keepsPace) done();
    else this._channel.onceDrained(done);
  }

  _final(done) {
    this._open();
    done();
  }

  _open() {
    if (this._opened) return;
    this._opened = true;
    const first = [];
    this._onBeforeFirstWrite?.((piece) => first.push(Buffer.from(piece)));
    const bytes = Buffer.concat(first);
    const meta = `${this._requestId}\0${this._contentType}`;
    this._channel.send(STREAM, meta, bytes.subarray(0, PIECE_BYTES));
    for (let at = PIECE_BYTES; at < bytes.length; at += PIECE_BYTES) {
      this._channel.send(CHUNK, this._requestId, bytes.subarray(at, at + PIECE_BYTES));
    }
  }
}

class HttpResponseStream {
  /** The same stream, whose answer begins with status code, headers and cookies. */
  static from(stream, prelude) {
    stream.setContentType(PRELUDE_TYPE);
    const text = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(text);
      write(new Uint8Array(8));
    };
    return stream;
  }
}

/** The global object that streaming functions use. */
function installAwslambda() {
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = 'response';
      if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream,
  };
}

module.exports = { ResponseStream, installAwslambda, STREAMING, HIGH_WATER_MARK };
