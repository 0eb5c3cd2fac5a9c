'use strict';
// Apart from parallama-cli.cjs because an old Node cannot even parse import().
const { existsSync } = require('node:fs');
const { join } = require('node:path');

if (existsSync(join(__dirname, '../dist/cli.js'))) {
  import('../dist/cli.js').then(({ main }) => main(process.argv.slice(2)));
} else {
  console.error('Parallama is not built yet: run `npm install` and `npm run build` in the clone.');
  process.exitCode = 1;
}
