import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../support/services/redis.js';
import { home, run, start } from './run.js';

test("the store's password is in db_password beside the configuration; a loose mode is warned of", async () => {
  const redis = await startRedis({ password: 's3cret' });
  onTestFinished(() => redis.stop());
  const cwd = await home(`store: { url: "${redis.url}" }`);
  const without = await run(cwd, ['user', 'list']);
  expect(without.status).toBe(1);

  const file = join(cwd, 'db_password');
  await writeFile(file, 's3cret\n', { mode: 0o600 });
  expect(await run(cwd, ['user', 'create', 'ada', '--json'])).toMatchObject({ status: 0, stderr: '' });

  await chmod(file, 0o640);
  const server = start(cwd, ['serve', '--port', '0']);
  const shown = await server.shows(/chmod 600/, 'stderr');
  expect(shown).toContain(
    `Others on this machine can use the password file ${file} (mode 640): chmod 600 it.`,
  );
  server.process.kill('SIGTERM');
  const { stdout, stderr } = await server.ended;
  expect(stdout + stderr).not.toContain('s3cret');
});
