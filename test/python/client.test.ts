/** The Python client: built, installed from its wheel, and held against a gateway by its own tests. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScenarioRig, startScenarioRig } from '../client/scenario-rig.js';
import { pythonWith, REPOSITORY } from './environment.js';
import { runPytest } from './pytest.js';

const run = promisify(execFile);
const CLIENT = join(REPOSITORY, 'clients', 'python');
/** A cold cache of packages takes its time. */
const PATIENCE = 300_000;

let python: string;
let scratch: string;
let world: ScenarioRig | undefined;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'parallama-python-'));
  python = await pythonWith(join(REPOSITORY, 'test', 'python', 'requirements.txt'));
  world = await startScenarioRig();
}, PATIENCE);
afterAll(async () => {
  await world?.rig.close();
  await rm(scratch, { recursive: true, force: true });
});

/** A command of the README, word for word, and what keeps its result out of the repository and off the network. */
async function commandOfReadme(start: string, more: string): Promise<void> {
  const readme = await readFile(join(CLIENT, 'README.md'), 'utf8');
  const commands = [...readme.matchAll(/```sh\n(.*?)\n```/gs)].map(([, command]) => command);
  const command = commands.find((one) => one?.startsWith(start));
  expect(command, `the README's command ${start}`).toBeDefined();
  const env = { ...process.env, PATH: [dirname(python), process.env.PATH].join(delimiter) };
  await run('sh', ['-c', `${command} ${more}`], { cwd: REPOSITORY, env });
}

test('installs from a clone', { timeout: PATIENCE }, async () => {
  const target = join(scratch, 'clone');
  await commandOfReadme('python -m pip', `--no-deps --no-build-isolation --quiet --target ${target}`);
  expect(await readdir(join(target, 'parallama'))).toContain('py.typed');
});

test('passes its own tests, installed from its wheel', { timeout: PATIENCE }, async () => {
  const dist = join(scratch, 'dist');
  const site = join(scratch, 'site');
  await commandOfReadme('python -m build', `--no-isolation --outdir ${dist}`);
  const built = await readdir(dist);
  expect(built.sort()).toEqual(['parallama-0.1.0-py3-none-any.whl', 'parallama-0.1.0.tar.gz']);
  await run(python, [
    '-m',
    'pip',
    'install',
    '--no-deps',
    '--no-index',
    '--quiet',
    '--target',
    site,
    join(dist, built[0]!),
  ]);

  const { rig, memberId, memberKey, blockedKey } = world!;
  const { passed, trouble } = await runPytest({
    python,
    directory: CLIENT,
    env: {
      PYTHONPATH: site,
      PARALLAMA_URL: rig.url,
      PARALLAMA_MEMBER_KEY: memberKey,
      PARALLAMA_BLOCKED_KEY: blockedKey,
    },
  });
  expect(trouble).toBe('');
  expect(passed).toBeGreaterThan(100);

  // Streams that were read to their end are not taken for abandoned; one example of the README leaves one.
  const history = await rig.history(memberId);
  expect(history.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThan(30);
  expect(history.reduce((sum, { aborted }) => sum + aborted, 0)).toBeLessThanOrEqual(1);
});
