/**
 * The compatibility tests through the gateway against a real Ollama.
 *
 *   OLLAMA_URL=http://127.0.0.1:11434 npm run test:ollama
 *   OLLAMA_URL=http://127.0.0.1:11434 npm run test:ollama -- test/ollama --aborts 1000
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const MODELS = ['tiny:latest', 'tiny-think:latest', 'tiny-embed:latest'];
const url = process.env.OLLAMA_URL;

function refuse(message) {
  console.error(message);
  process.exit(2);
}

if (!url) {
  refuse(
    'Set OLLAMA_URL to an Ollama that has the models of test/ollama (its README says how to make them), as in\n' +
      '  OLLAMA_URL=http://127.0.0.1:11434 npm run test:ollama',
  );
}
const names = await fetch(new URL('/api/tags', url)).then(
  async (response) => ((await response.json()).models ?? []).map(({ name }) => name),
  () => refuse(`There is no Ollama at ${url}.`),
);
const missing = MODELS.filter((model) => !names.includes(model));
if (missing.length > 0) {
  refuse(`The Ollama at ${url} lacks ${missing.join(', ')}: test/ollama/README.md says how to make them.`);
}

const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const { values, positionals } = parseArgs({
  options: { aborts: { type: 'string', default: '100' } },
  allowPositionals: true,
});
const files = positionals.length > 0 ? positionals : ['test/compat', 'test/ollama'];
const args = ['run', ...files, '--reporter=verbose', '--no-file-parallelism'];
const child = spawn(process.execPath, [vitest, ...args], {
  stdio: 'inherit',
  env: { ...process.env, PARALLAMA_TEST_OLLAMA: url, PARALLAMA_TEST_ABORTS: values.aborts },
});
child.on('exit', (code) => process.exit(code ?? 1));
