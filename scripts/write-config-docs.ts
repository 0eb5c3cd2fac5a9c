/** `npm run docs:config` */
import { writeFileSync } from 'node:fs';
import { configurationPage } from './config-docs.js';

writeFileSync('docs/configuration.md', configurationPage());
