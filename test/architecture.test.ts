/** Imports inside the core go one way, adapters and command line stay outside of it, and nothing goes in circles. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

/** From the bottom up. A file may import from its own layer and from those below. */
const LAYERS = [
  ['core/contract.ts', 'core/crowd.ts', 'core/stop.ts', 'core/version.ts'],
  ['core/errors.ts'],
  ['core/http/', 'core/store/', 'core/translate/', 'core/config.ts', 'core/config/', 'core/loose-files.ts'],
  [
    'core/auth/',
    'core/limits/',
    'core/usage/',
    'core/upstream/',
    'core/observe/',
    'core/settings.ts',
    'core/failure.ts',
  ],
  [
    'core/installed.ts',
    'core/model-aliases.ts',
    'core/models.ts',
    'core/routes.ts',
    'core/admin.ts',
    'core/places.ts',
    'core/generation.ts',
    'core/hooks.ts',
    'core/events.ts',
  ],
  ['core/services.ts', 'core/operations/', 'core/finish.ts'],
  ['core/gateway.ts'],
];

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(join(SRC, from), 'utf8');
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm,
  );
  return [...statements].map(([, type, fixed, lazy]) => ({
    from,
    to: relative(SRC, resolve(SRC, dirname(from), (fixed ?? lazy)!.replace(/\.js$/, '.ts'))),
    typeOnly: type !== undefined,
  }));
});

const layerOf = (file: string) =>
  LAYERS.findIndex((places) =>
    places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place)),
  );

test('there are imports to look at, and each leads to a file', () => {
  expect(imports.length).toBeGreaterThan(200);
  expect(imports.filter(({ to }) => !files.includes(to))).toEqual([]);
});

test('every file of the core has a layer', () => {
  expect(files.filter((file) => file.startsWith('core/') && layerOf(file) === -1)).toEqual([]);
});

test('imports go down', () => {
  const up = imports.filter(
    ({ from, to }) => from.startsWith('core/') && (layerOf(to) > layerOf(from) || !to.startsWith('core/')),
  );
  expect(up).toEqual([]);
});

test('the contract imports nothing of the project, the translator does no I/O', () => {
  expect(imports.filter(({ from }) => from === 'core/contract.ts')).toEqual([]);
  const impure = files
    .filter((file) => file.startsWith('core/translate/'))
    .filter((file) => /from 'node:(?!buffer|crypto)/.test(readFileSync(join(SRC, file), 'utf8')));
  expect(impure).toEqual([]);
});

test('the simulator knows nothing of the gateway, nor the client of either', () => {
  const strays = imports.filter(
    ({ from, to }) =>
      (from.startsWith('testing/') && !to.startsWith('testing/')) ||
      (from.startsWith('client/') && !to.startsWith('client/')),
  );
  expect(strays).toEqual([]);
});

test('there are no circles', () => {
  const next = new Map(
    files.map((file) => [file, imports.filter(({ from }) => from === file).map(({ to }) => to)]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (path.includes(file) || done.has(file)) return;
    for (const to of next.get(file) ?? []) walk(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  expect(circles).toEqual([]);
});
