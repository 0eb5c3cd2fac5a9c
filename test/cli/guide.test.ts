/** Every command line of the user's guide, word for word, beside a running server that sees its effect. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settle, startBeside } from './beside.js';
import { STORES } from './stores.js';

const chat = (model: string) => ({ model, messages: [{ role: 'user', content: 'Hello!' }] });

describe.each(STORES)('on $kind', ({ url: store }) => {
  test('user management', async () => {
    const { type, json, ask } = await startBeside({ store: await store() });
    const made = await type(`parallama-cli user create alice \\
    --role basic \\
    --gateway ollama \\
    --token-limit-daily 10000 \\
    --token-limit-hourly 1000 \\
    --request-limit-daily 1000 \\
    --request-limit-hourly 100`);
    expect(made).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Created user alice with role basic.'),
    });
    expect(await type('parallama-cli user create root --admin')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Created user root with role admin.'),
    });
    expect((await type('parallama-cli user list')).stdout).toMatch(/^USERNAME[\s\S]*\nalice[\s\S]*\nroot/);
    expect((await type('parallama-cli user list --role admin')).stdout).not.toContain('alice');
    expect((await type('parallama-cli user info alice')).stdout).toMatch(/Role +basic\n/);

    const { key } = await json<{ key: string }>('key', 'generate', 'alice');
    const pull = () => ask('/admin/v1/usage?user=root', { key });
    expect((await pull()).status).toBe(403);
    expect(await type('parallama-cli user update alice --role premium')).toMatchObject({
      status: 0,
      stdout: 'User alice has the role premium now; it was basic.\n',
    });
    expect(await json('user', 'info', 'alice')).toMatchObject({ role: 'premium' });
    await json('user', 'update', 'alice', '--role', 'admin');
    await settle();
    expect((await pull()).status).toBe(200);

    const asked = await type('parallama-cli user delete alice');
    expect(asked).toMatchObject({ status: 2, stdout: '' });
    expect(asked.stderr).toContain('give --yes');
    expect((await type('parallama-cli user delete alice --yes')).status).toBe(0);
    await settle();
    expect((await pull()).status).toBe(401);
    expect((await type('parallama-cli user info alice')).status).toBe(1);
  });

  test('authentication management', async () => {
    const { type, json, ask } = await startBeside({ store: await store() });
    const register = { username: 'alice', password: 'password one' };
    const { refresh_token } = (await ask('/auth/register', { body: register })).json;
    const { access_token } = (await ask('/auth/login', { body: register })).json;
    const usage = (key: unknown) => ask('/admin/v1/usage', { key: String(key) });
    const refresh = (token: unknown) => ask('/auth/token', { body: { refresh_token: token } });
    expect((await usage(access_token)).status).toBe(200);

    const [key, idLine] = (await type('parallama-cli key generate alice')).stdout.split('\n');
    expect((await usage(key)).status).toBe(200);
    const id = idLine?.replace('ID: ', '');
    expect((await type('parallama-cli key list --username alice')).stdout).toContain(id);

    const rotated = await type('parallama-cli auth rotate-tokens alice');
    expect(rotated.status).toBe(0);
    expect(rotated.stdout).toMatch(/^rt_\w+\n$/);
    expect((await refresh(refresh_token)).status).toBe(401);
    expect((await usage(access_token)).status).toBe(200);
    const renewed = await refresh(rotated.stdout.trim());
    expect(renewed.status).toBe(200);

    expect((await type('parallama-cli auth revoke-all alice')).status).toBe(0);
    await settle();
    expect((await refresh(renewed.json.refresh_token)).status).toBe(401);
    expect((await usage(access_token)).status).toBe(401);
    expect((await usage(renewed.json.access_token)).status).toBe(401);
    expect((await usage(key)).status).toBe(200);

    expect((await type(`parallama-cli key revoke ${id}`)).status).toBe(0);
    const other = await json<{ key: string }>('key', 'generate', 'alice');
    await settle();
    expect((await usage(key)).status).toBe(401);
    expect(await json('auth', 'revoke-all', 'alice', '--keys')).toMatchObject({ keys_revoked: 1 });
    await settle();
    expect((await usage(other.key)).status).toBe(401);
  });

  test('gateway management', async () => {
    const { type, json, ask } = await startBeside({ store: await store() });
    await json('user', 'create', 'alice', '--role', 'premium');
    const { key } = await json<{ key: string }>('key', 'generate', 'alice');
    const complete = (model: string) => ask('/openai/v1/chat/completions', { key, body: chat(model) });

    expect((await type('parallama-cli gateway toggle openai --enabled false')).status).toBe(0);
    await settle();
    expect(await complete('gpt-3.5-turbo')).toMatchObject({ status: 503 });
    expect((await ask('/')).json).toMatchObject({ gateways: { openai: { status: 'disabled' } } });
    expect(await json('gateway', 'status')).toMatchObject({ gateways: { openai: { status: 'disabled' } } });
    expect((await type('parallama-cli gateway toggle openai --enabled true')).status).toBe(0);
    await settle();
    expect((await complete('gpt-3.5-turbo')).status).toBe(200);

    const changed = await type(`parallama-cli gateway config openai \\
    --model-mapping gpt-4=llama2:70b`);
    expect(changed).toMatchObject({ status: 0, stdout: expect.stringMatching(/gpt-4 +llama2:70b\n/) });
    await settle();
    expect((await complete('gpt-4')).json).toMatchObject({ model: 'gpt-4' });
    await json(
      'gateway',
      'config',
      'openai',
      '--remove-mapping',
      'gpt-3.5-turbo',
      '--default-model',
      'llama2',
    );
    expect(await json('gateway', 'config', 'openai')).toEqual({
      gateway: 'openai',
      base_path: '/openai/v1',
      enabled: true,
      model_mappings: { 'gpt-4': 'llama2:70b' },
      default_model: 'llama2',
    });
    expect(await json('gateway', 'config', 'openai', '--reset')).toMatchObject({
      model_mappings: { 'gpt-3.5-turbo': 'llama2' },
    });

    const status = await type('parallama-cli gateway status');
    expect(status).toMatchObject({ status: 0, stderr: '' });
    expect(status.stdout).toMatch(/^GATEWAY +STATUS +LATENCY +REQUESTS\/S\nollama +operational/);
    expect(status.stdout).toMatch(/\nopenai +operational +\d+ ms +0\.0[1-9]\n/);
    const metrics = await type('parallama-cli gateway metrics');
    expect(metrics.stdout).toMatch(/\nollama +0 +0 +0 [\s\S]*\nopenai +2 +[1-9]/);
    const one = await type('parallama-cli gateway metrics --gateway openai');
    expect(one).toMatchObject({ status: 0, stdout: expect.not.stringContaining('ollama') });
    expect(await json('gateway', 'metrics')).toMatchObject({
      processes: 1,
      gateways: {
        openai: { today: { requests: 2, errors: 0 }, last_minute: { latency_ms: expect.any(Number) } },
      },
    });
  });

  test('usage information', async () => {
    const { cwd, type, json, ask } = await startBeside({ store: await store() });
    const { id } = await json<{ id: string }>('user', 'create', 'alice');
    const { key } = await json<{ key: string }>('key', 'generate', 'alice');
    const day = new Date().toISOString().slice(0, 10);
    const answer = await ask('/openai/v1/chat/completions', { key, body: chat('gpt-3.5-turbo') });
    const { total_tokens } = answer.json.usage as { total_tokens: number };
    await ask('/ollama/api/chat', { key, body: { ...chat('llama2'), stream: false } });

    expect((await type('parallama-cli usage show alice')).stdout).toMatch(
      new RegExp(`\nopenai +today +${total_tokens} +[\\d,]+ +1 +4,999\n`),
    );
    const shown = await type('parallama-cli usage show alice --gateway openai');
    expect(shown.stdout).not.toContain('ollama');
    expect(await json('usage', 'show', 'alice')).toEqual({
      user_id: id,
      username: 'alice',
      ...(await ask('/admin/v1/usage', { key })).json,
    });

    const report = await type(`parallama-cli usage report \\
    --start-date ${day} \\
    --end-date ${day} \\
    --gateway openai \\
    --format json`);
    expect(JSON.parse(report.stdout)).toEqual([
      expect.objectContaining({ user_id: id, username: 'alice', requests: 1, total_tokens, errors: 0 }),
    ]);

    await json('user', 'delete', 'alice', '--yes');
    expect(await type('parallama-cli usage export --format csv > usage.csv')).toMatchObject({ status: 0 });
    const [head, ...rows] = (await readFile(join(cwd, 'usage.csv'), 'utf8')).trimEnd().split('\n');
    expect(head).toBe(
      'hour,user_id,username,gateway,model,requests,prompt_tokens,completion_tokens,total_tokens,errors,aborted,latency_ms',
    );
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(new RegExp(`^${day}T\\d\\d:00Z,${id},,ollama,llama2,1,\\d+,`));
    expect(rows[1]).toContain(`,,openai,gpt-3.5-turbo,1,`);
    expect(await json('usage', 'verify')).toEqual({ checked: 8, differences: [] });
  });

  test('rate limit management', async () => {
    const { type, json, ask } = await startBeside({ store: await store() });
    await json('user', 'create', 'alice');
    const { key } = await json<{ key: string }>('key', 'generate', 'alice');
    const native = () => ask('/ollama/api/chat', { key, body: { ...chat('llama2'), stream: false } });
    const set = await type(`parallama-cli limits set alice \\
    --gateway ollama \\
    --token-limit-daily 20000 \\
    --token-limit-hourly 2000 \\
    --request-limit-daily 2000 \\
    --request-limit-hourly 200`);
    expect(set).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/Tokens a day +20,000 \(user\)\n/),
    });
    expect((await type('parallama-cli limits show alice')).stdout).toMatch(
      /Requests an hour +200 \(user\) +500 \(role\)\n/,
    );
    expect((await type('parallama-cli limits show alice --gateway ollama')).stdout).not.toContain('OPENAI');

    await json('limits', 'set', 'alice', '--gateway', 'ollama', '--request-limit-hourly', '0');
    expect(await json('limits', 'show', 'alice', '--gateway', 'ollama')).toMatchObject({
      limits: { ollama: { token_limit_daily: 20_000, request_limit_hourly: 0 } },
    });
    await settle();
    expect((await native()).status).toBe(429);
    expect((await type('parallama-cli limits reset alice --gateway ollama')).status).toBe(0);
    await settle();
    expect((await native()).status).toBe(200);
    expect((await type('parallama-cli limits reset alice')).stdout).not.toContain('(user)');
    expect(await json('usage', 'show', 'alice', '--gateway', 'ollama')).toMatchObject({
      gateways: { ollama: { today: { total_requests: 1, remaining_requests: 4_999 } } },
    });
  });
});
