'use strict';
// The runtime's end of the channel: whole frames in, whole frames out, on an inherited socket.
//
// The form of a frame is told in lambent/environment/api.py. The socket keeps the event loop alive only while nothing
// is being served (`listen`), so that `beforeExit` tells when a function has nothing left to do.

const net = require('node:net');

const INVOKE = 1;
const READY = 16;
const INIT_ERROR = 17;
const RESPONSE = 18;
const ERROR = 19;
const STREAM = 20;
const CHUNK = 21;
const FATAL = 22;

const HEADER_BYTES = 7;
const LENGTH_BYTES = 4;

class Channel {
  constructor(descriptor) {
    this.onInvoke = undefined;
    this._held = [];
    this._heldBytes = 0;
    this._needed = HEADER_BYTES;
    this._socket = new net.Socket({ fd: descriptor, readable: true, writable: true, allowHalfOpen: false });
    this._socket.on('data', (data) => this._feed(data));
    this._socket.on('error', () => process.reallyExit(0));
    this._socket.on('close', () => process.reallyExit(0)); // the platform has hung up
    this._socket.unref();
  }

  /** Nothing is being served: wait for what comes. */
  listen() {
    this._socket.ref();
  }

  /** Something is being served: live for as long as it wants to. */
  attend() {
    this._socket.unref();
  }

  /** Send one frame; false when the platform does not keep pace. `sent` is called when it is on its way. */
  send(kind, meta, payload, sent) {
    const metaBytes = Buffer.byteLength(meta);
    const payloadBytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
    const frame = Buffer.allocUnsafe(HEADER_BYTES + metaBytes + payloadBytes);
    frame.writeUInt32BE(3 + metaBytes + payloadBytes, 0);
    frame[4] = kind;
    frame.writeUInt16BE(metaBytes, 5);
    frame.write(meta, HEADER_BYTES);
    if (typeof payload === 'string') frame.write(payload, HEADER_BYTES + metaBytes);
    else frame.set(payload, HEADER_BYTES + metaBytes);
    return this._socket.write(frame, sent);
  }

  /** Call back when the platform keeps pace again. */
  onceDrained(call) {
    this._socket.ref();
    this._socket.once('drain', () => {
      this._socket.unref();
      call();
    });
  }

  _feed(data) {
    this._held.push(data);
    this._heldBytes += data.length;
    while (this._heldBytes >= this._needed) {
      const whole = this._held.length === 1 ? this._held[0] : Buffer.concat(this._held);
      this._held = [whole];
      const frameBytes = LENGTH_BYTES + whole.readUInt32BE(0);
      this._needed = frameBytes;
      if (whole.length < frameBytes) return;
      const rest = whole.subarray(frameBytes);
      this._held = rest.length ? [rest] : [];
      this._heldBytes = rest.length;
      this._needed = HEADER_BYTES;
      this._take(whole.subarray(0, frameBytes));
    }
  }

  _take(frame) {
    const start = HEADER_BYTES + frame.readUInt16BE(5);
    if (frame[4] !== INVOKE || start > frame.length) process.reallyExit(1); // what the platform never sends
    const [requestId, deadlineMs, arn, trace, ...clientContext] = frame.toString('utf8', HEADER_BYTES, start).split('\0');
    this.onInvoke({
      requestId,
      deadlineMs: Number(deadlineMs),
      arn,
      trace,
      clientContext: clientContext.join('\0'),
      payload: frame.toString('utf8', start),
    });
  }
}

module.exports = { Channel, READY, INIT_ERROR, RESPONSE, ERROR, STREAM, CHUNK, FATAL };
