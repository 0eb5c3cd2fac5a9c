import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, SYSTEM_FILE } from '../../src/core/config.js';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'parallama-config-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const write = (name: string, port: number) => writeFile(join(cwd, name), `server: { port: ${port} }\n`);

async function load(options: { file?: string; named?: string }) {
  const { config, source } = await loadConfig({
    file: options.file,
    env: { PARALLAMA_CONFIG: options.named },
    cwd,
  });
  return { port: config.server.port, source };
}

describe('loadConfig', () => {
  it('takes the file given, else the one named, else the one at hand', async () => {
    await write('given.yaml', 1);
    await write('named.yaml', 2);
    await write('parallama.yaml', 3);
    expect(await load({ file: 'given.yaml', named: 'named.yaml' })).toEqual({
      port: 1,
      source: join(cwd, 'given.yaml'),
    });
    expect(await load({ named: join(cwd, 'named.yaml') })).toEqual({
      port: 2,
      source: join(cwd, 'named.yaml'),
    });
    expect(await load({ named: '' })).toEqual({ port: 3, source: join(cwd, 'parallama.yaml') });
    expect(await load({})).toEqual({ port: 3, source: join(cwd, 'parallama.yaml') });
  });

  it('looks in the system directory last, and takes the defaults where there is no file', async () => {
    const { source } = await load({});
    expect(source).toBe(existsSync(SYSTEM_FILE) ? SYSTEM_FILE : undefined);
  });

  it('wants a file that is named to exist', async () => {
    await write('parallama.yaml', 3);
    const message = `${join(cwd, 'gone.yaml')}: there is no such file; expected a configuration in YAML`;
    await expect(load({ file: 'gone.yaml' })).rejects.toThrow(message);
    await expect(load({ named: 'gone.yaml' })).rejects.toThrow(message);
    await expect(load({ file: 'gone.yaml' })).rejects.toBeInstanceOf(ConfigError);
  });

  it('does not pass over a file that it cannot read', async () => {
    await mkdir(join(cwd, 'parallama.yaml'));
    await expect(load({})).rejects.toThrow(`${join(cwd, 'parallama.yaml')}: is a directory; expected a file`);
  });

  it('names the file and the line of a problem', async () => {
    await writeFile(join(cwd, 'parallama.yaml'), 'server:\n  port: many\n');
    await expect(load({})).rejects.toThrow(`${join(cwd, 'parallama.yaml')}:2: server.port: is text`);
  });

  it('refuses bytes that are not text', async () => {
    await writeFile(join(cwd, 'parallama.yaml'), Buffer.from([0xff, 0xfe, 0x00, 0xc3]));
    await expect(load({})).rejects.toThrow('is not text; expected YAML in UTF-8');
  });

  it('reads a file in UTF-8 with Windows line ends', async () => {
    await writeFile(
      join(cwd, 'parallama.yaml'),
      '\uFEFFserver:\r\n  port: 5\r\nlogging:\r\n  directory: ./Protokölle\r\n',
    );
    const { config } = await loadConfig({ env: {}, cwd });
    expect(config.server.port).toBe(5);
    expect(config.logging.directory).toBe('./Protokölle');
  });
});
