'use strict';
// ES modules of layers that are for one version of Node.js, in /opt/nodejs/nodeNN/node_modules.
//
// `require` knows them by NODE_PATH. `import` looks only beside and above the file, where links lead to the modules
// that are for every version; behind those it is sent here. A hook costs a thread of its own, so there is one only
// where a layer has such a folder.
// Sources: Lambda Developer Guide, "Working with layers for Node.js Lambda functions"; Node.js, "Customization Hooks".

const fs = require('node:fs');
const { register } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const VERSIONED = `/opt/nodejs/node${process.versions.node.split('.')[0]}`;

const HOOK = `
let parentURL;
export const initialize = (data) => { parentURL = data; };
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^(\\.|\\/|\\w+:)/.test(specifier)) throw error;
    try {
      return await next(specifier, { ...context, parentURL });
    } catch (second) {
      throw second.code === 'ERR_MODULE_NOT_FOUND' ? error : second;
    }
  }
}`;

/** Have `import` find them, if there are any. */
function importFromLayers(folder = VERSIONED) {
  if (!fs.existsSync(path.join(folder, 'node_modules'))) return;
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`, { data: pathToFileURL(`${folder}/noop.js`).href });
}

module.exports = { importFromLayers };
