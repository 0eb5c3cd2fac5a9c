'use strict';
// Apart from parallama-cli.cjs because an old Node cannot even parse import().
const { existsSync } = require('node:fs');
const { enableCompileCache } = require('node:module');
const { join } = require('node:path');

// Half of a start is compiling. Not in the temporary directory, where others could leave code for us to run.
const { HOME, XDG_CACHE_HOME = HOME && join(HOME, '.cache') } = process.env;
if (XDG_CACHE_HOME) enableCompileCache(join(XDG_CACHE_HOME, 'parallama'));

if (existsSync(join(__dirname, '../dist/cli.js'))) {
  import('../dist/cli.js').then(({ main }) => main(process.argv.slice(2)));
} else {
  console.error('Parallama is not built yet: run `npm install` and `npm run build` in the clone.');
  process.exitCode = 1;
}
