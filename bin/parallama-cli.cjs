#!/usr/bin/env node
'use strict';
// Old syntax on purpose: whatever Node runs this file must be able to say what is wrong with it.
var version = process.versions.node;
var parts = version.split('.').map(Number);

if (parts[0] > 22 || (parts[0] === 22 && parts[1] >= 19)) {
  require('./run.cjs');
} else {
  console.error('Parallama needs Node.js 22.19 or newer; this is', version);
  console.error('Get it from https://nodejs.org/ or with a version manager (nvm install 24).');
  console.error('In a clone, `npm start` and `npx node bin/parallama-cli.cjs` bring their own.');
  process.exit(1);
}
