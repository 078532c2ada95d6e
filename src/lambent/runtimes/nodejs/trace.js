'use strict';
// process.env with the trace header of the present invocation, which is not kept in the C library's environment:
// setenv(3) never frees what it was given, a hundred bytes at each invocation.

const NAME = '_X_AMZN_TRACE_ID';
let header;

/** Set for one invocation; an empty one takes it away. */
function setTrace(value) {
  header = value || undefined;
}

/** `variables`, as a function is to see them. */
function traced(variables) {
  return new Proxy(variables, {
    get: (target, name) => (name === NAME ? header : target[name]),
    has: (target, name) => (name === NAME ? header !== undefined : name in target),
    set(target, name, value) {
      if (name === NAME) setTrace(String(value));
      else target[name] = value;
      return true;
    },
    deleteProperty(target, name) {
      if (name === NAME) header = undefined;
      return delete target[name];
    },
    ownKeys: (target) => [...Reflect.ownKeys(target), ...(header === undefined ? [] : [NAME])],
    getOwnPropertyDescriptor(target, name) {
      if (name !== NAME) return Reflect.getOwnPropertyDescriptor(target, name);
      if (header === undefined) return undefined;
      return { value: header, writable: true, enumerable: true, configurable: true };
    },
    defineProperty(target, name, descriptor) {
      if (name !== NAME) return Reflect.defineProperty(target, name, descriptor);
      setTrace(String(descriptor.value));
      return true;
    },
  });
}

module.exports = { setTrace, traced };
