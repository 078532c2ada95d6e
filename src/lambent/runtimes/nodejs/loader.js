'use strict';
// From a handler's name to the function: `folder/module.export.nested`, CommonJS or ES module.
//
// The order in which files are tried is AWS's: MODULE, MODULE.js as CommonJS unless the nearest package.json says
// "module", MODULE.js as an ES module where it does, .mjs, .cjs, TypeScript from Node.js 24 on, and then whatever
// require finds. Source: Lambda Developer Guide, "Define Lambda function handler in Node.js".

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { RuntimeFault } = require('./errors.js');

const TYPESCRIPT_SINCE = 24;
const MAJOR = Number(process.versions.node.split('.')[0]);

/** Split at the first dot behind the last slash: [folder, module, export path]. Throws Runtime.MalformedHandlerName. */
function splitHandler(handler) {
  if (handler.includes('..')) {
    const why = 'is not a valid handler name. Use absolute paths when specifying root directories in handler names.';
    throw new RuntimeFault('Runtime.MalformedHandlerName', `'${handler}' ${why}`);
  }
  const name = path.basename(handler);
  const dot = name.indexOf('.');
  if (dot < 0) throw new RuntimeFault('Runtime.MalformedHandlerName', 'Bad handler');
  return [handler.slice(0, handler.lastIndexOf(name)), name.slice(0, dot), name.slice(dot + 1)];
}

/** Whether .js files in `folder` are ES modules. */
function isModuleFolder(folder) {
  for (let at = folder; !at.endsWith('/node_modules'); at = path.dirname(at)) {
    const file = path.join(at, 'package.json');
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, 'utf8'))?.type === 'module';
      } catch (error) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (at === '/') return false;
  }
  return false;
}

/** The files to try in order, each with how. */
function candidates(base, isModule) {
  const tried = [['', 'require'], isModule ? ['.js', 'import'] : ['.js', 'require'], ['.mjs', 'import'], ['.cjs', 'require']];
  if (MAJOR >= TYPESCRIPT_SINCE) tried.push(['.ts', isModule ? 'import' : 'require'], ['.mts', 'import'], ['.cts', 'require']);
  return tried.map(([extension, how]) => [base + extension, how]);
}

async function loadModule(root, folder, name) {
  const base = path.resolve(root, folder, name);
  const require = createRequire(path.join(root, 'noop.js'));
  for (const [file, how] of candidates(base, isModuleFolder(path.dirname(base)))) {
    if (fs.existsSync(file) && !fs.statSync(file).isDirectory()) {
      return how === 'import' ? import(pathToFileURL(file).href) : require(file);
    }
  }
  return require(require.resolve(name, { paths: [root, path.resolve(root, folder)] }));
}

function asFault(error) {
  const said = `${error?.name ?? 'Error'}: ${error?.message}`;
  if (error instanceof SyntaxError) return new RuntimeFault('Runtime.UserCodeSyntaxError', said, error);
  if (error?.code === 'MODULE_NOT_FOUND') return new RuntimeFault('Runtime.ImportModuleError', said, error);
  return error;
}

/** The handler. Throws what the module throws, or a fault of the runtime. */
async function loadHandler(root, handler) {
  const [folder, name, exported] = splitHandler(handler);
  let module;
  try {
    module = await loadModule(root, folder, name);
  } catch (error) {
    throw asFault(error);
  }
  const found = exported.split('.').reduce((value, key) => value && value[key], module);
  if (!found) throw new RuntimeFault('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof found !== 'function') throw new RuntimeFault('Runtime.HandlerNotFound', `${handler} is not a function`);
  return found;
}

module.exports = { loadHandler, splitHandler };
