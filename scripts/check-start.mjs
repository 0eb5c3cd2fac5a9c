/**
 * The main job, as its user takes it: `npm start`, the printed lines pasted into a shell, Ctrl-C.
 * Needs port 8000 to be free, which is why it is no test of the suite.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const DEADLINE = 120_000;
const LAST_BLOCK = '# What the key has used';

const server = spawn('npm', ['start'], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
let output = '';
let errors = '';
server.stdout.on('data', (chunk) => {
  output += chunk;
});
server.stderr.on('data', (chunk) => {
  errors += chunk;
});

function check(condition, what) {
  if (condition) return;
  console.error(`${what}\n--- output\n${output}\n--- errors\n${errors}`);
  process.exitCode = 1;
  throw new Error(what);
}

try {
  const end = Date.now() + DEADLINE;
  while (!/admin\/v1\/usage/.test(output)) {
    check(Date.now() < end && server.exitCode === null, 'npm start did not print its lines');
    await sleep(100);
  }
  const blocks = output.slice(output.indexOf('# curl')).split(/\n(?=# )/);
  check(
    blocks.length >= 5 && blocks.at(-1).startsWith(LAST_BLOCK),
    'the lines to paste are not the expected ones',
  );
  for (const block of blocks) {
    const answer = execFileSync('bash', ['-c', block], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    console.log(`${block.split('\n')[0]}\n  ${answer.trim().split('\n').at(-1).slice(0, 160)}`);
    check(!/"error"/.test(answer) && answer.trim() !== '', `pasted, this failed: ${block}`);
  }
  check(!/warning/i.test(errors.replaceAll(/^npm warn.*$/gm, '')), 'a runtime warning was printed');
} finally {
  // Ctrl-C reaches the whole group, as in a terminal.
  process.kill(-server.pid, 'SIGINT');
  await once(server, 'close');
}
check(/Stopping/.test(output + errors), 'Ctrl-C did not stop it cleanly');
const status = execFileSync('git', ['status', '--porcelain'], { encoding: 'utf8' });
check(!/\.parallama|\.db/.test(status), `npm start left files behind: ${status}`);
console.log('npm start: its lines answer, Ctrl-C stops it, the work tree is clean');
