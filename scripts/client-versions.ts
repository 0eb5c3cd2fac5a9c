/** The versions of clients that the compatibility tests use. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../test/compat/matrix.js';
import type { Version } from './compatibility-page.js';

const REQUIREMENTS = ['requirements.txt', 'requirements-litellm.txt'];

/** @param root of the repository */
export function clientVersions(root: string): Version {
  const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
  const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
  const pinned = REQUIREMENTS.flatMap((file) => read('test', 'compat', 'python', file).split('\n'));
  const inPython = new Map(
    pinned.flatMap((line) => {
      const [, name, version] = /^([\w-]+)(?:\[.*\])?==(.+)$/.exec(line) ?? [];
      return name && version ? [[name, version] as const] : [];
    }),
  );
  return (client: Client) => {
    const version =
      client.language === 'Python'
        ? inPython.get(client.package)
        : devDependencies[client.package]?.replace(/^\^/, '');
    if (!version) throw new Error(`No version of ${client.package} is named.`);
    return version;
  };
}
