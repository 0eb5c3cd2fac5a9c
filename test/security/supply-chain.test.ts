/** What the package brings along: listed in the tarball, and checked against what is known of it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import lock from '../../package-lock.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '../..');
const BULK = '/-/npm/v1/security/advisories/bulk';

interface Outcome {
  code: number;
  output: string;
}

function script(name: string, args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env: { ...process.env, ...env } };
    execFile(process.execPath, [join(ROOT, 'scripts', name), ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
}

/** The check against a registry that answers as `listener` does. */
async function checkedBy(listener: RequestListener, seconds = '60'): Promise<Outcome> {
  const registry = createServer(listener);
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  const cache = await mkdtemp(join(tmpdir(), 'parallama-npm-'));
  onTestFinished(async () => {
    registry.closeAllConnections();
    registry.close();
    await rm(cache, { recursive: true, force: true });
  });
  const { port } = registry.address() as AddressInfo;
  return script('check-vulnerabilities.mjs', [seconds], {
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_cache: cache,
  });
}

/** A registry that knows of one vulnerability in undici. */
const knowing =
  (severity: string): RequestListener =>
  (req, res) => {
    const advisory = {
      id: 1,
      url: 'https://github.com/advisories/GHSA-test',
      title: 'Says too much',
      severity,
      vulnerable_versions: '*',
      cwe: [],
      cvss: { score: 0, vectorString: null },
    };
    if (req.url !== BULK) res.statusCode = 404;
    res.end(JSON.stringify(req.url === BULK ? { undici: [advisory] } : {}));
  };

test.each(['high', 'critical'])('a known vulnerability of %s severity fails the check', async (severity) => {
  const { code, output } = await checkedBy(knowing(severity));
  expect(output).toContain(`${severity}: undici`);
  expect(output).toContain('Says too much');
  expect(code).toBe(1);
});

test('a lesser one is told, and does not', async () => {
  const { code, output } = await checkedBy(knowing('moderate'));
  expect(output).toContain('moderate: undici');
  expect(code).toBe(0);
});

test('none is told as none', async () => {
  const { code, output } = await checkedBy((_req, res) => void res.end('{}'));
  expect(output).toContain('0 packages with known vulnerabilities');
  expect(code).toBe(0);
});

test.each<[string, RequestListener, string]>([
  ['has no such endpoint', (_req, res) => void res.writeHead(405).end(), '405 Method Not Allowed'],
  ['answers in its own way', (_req, res) => void res.end('<h1>Mirror</h1>'), 'the registry does not tell'],
  ['never answers', () => {}, 'no answer within 3 seconds'],
])('a registry that %s is told, and fails nothing', async (_, listener, why) => {
  const { code, output } = await checkedBy(listener, '3');
  expect(output).toContain('NOT CHECKED');
  expect(output).toContain(why);
  expect(output).not.toContain('0 packages');
  expect(code).toBe(0);
});

/** What is needed to run the package, by the lock file: the dependencies, and theirs. */
function needed(): Set<string> {
  const packages = lock.packages as Record<
    string,
    { version?: string; dependencies?: Record<string, string> }
  >;
  const found = new Set<string>();
  const visit = (name: string, from: string) => {
    // As Node looks for it: in the nearest node_modules above.
    let parent = from;
    while (!packages[`${parent}node_modules/${name}`]) {
      if (parent === '') throw new Error(`${name} is not locked`);
      parent = parent.slice(0, parent.slice(0, -1).lastIndexOf('node_modules/'));
    }
    const path = `${parent}node_modules/${name}`;
    const identity = `${name}@${packages[path]!.version}`;
    if (found.has(identity)) return;
    found.add(identity);
    for (const next of Object.keys(packages[path]!.dependencies ?? {})) visit(next, `${path}/`);
  };
  for (const name of Object.keys(manifest.dependencies)) visit(name, '');
  return found;
}

test('the bill of materials has what is needed to run the package, and no more', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parallama-sbom-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'sbom.json');
  expect((await script('write-sbom.mjs', [file])).code).toBe(0);
  const sbom = JSON.parse(await readFile(file, 'utf8')) as {
    bomFormat: string;
    metadata: { component: { name: string; version: string } };
    components: { name: string; version: string; purl: string; hashes: unknown[] }[];
  };
  expect(sbom.bomFormat).toBe('CycloneDX');
  expect(sbom.metadata.component).toMatchObject({ name: manifest.name, version: manifest.version });
  expect(new Set(sbom.components.map(({ name, version }) => `${name}@${version}`))).toEqual(needed());
  for (const { purl, hashes } of sbom.components) {
    expect(purl).toMatch(/^pkg:npm\//);
    expect(hashes).toHaveLength(1);
  }
});

test('the tarball carries it, made when it is packed', () => {
  expect(manifest.files).toContain('sbom.json');
  expect(manifest.scripts.prepack).toBe('node scripts/write-sbom.mjs');
});
