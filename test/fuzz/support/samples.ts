/** Every route of the gateway, with bodies that it takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Target {
  method: string;
  path: string;
  /** JSON texts; none where the route reads no body. */
  bodies: string[];
  /** A model works for it. */
  inference?: true;
  /** Relayed as it is, to those who may manage models. */
  manage?: true;
}

const hello = [{ role: 'user', content: 'Hello!' }];
const tool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
  },
};
const called = [
  { role: 'user', content: 'What is the weather in Paris?' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [
      { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } },
    ],
  },
  { role: 'tool', tool_call_id: 'call_1', content: '20 degrees' },
];
const parts = [
  { type: 'text', text: 'What is this?' },
  { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
];

/** Beside the recordings: what they do not have. */
const OWN: Record<string, object[]> = {
  'POST /auth/register': [{ username: 'ada', password: 'a-good-password' }],
  'POST /auth/login': [{ username: 'ada', password: 'a-good-password' }],
  'POST /auth/token': [{ refresh_token: 'rt_0000000000000000000000000000000000000000000000000000' }],
  'POST /auth/logout': [{ refresh_token: 'rt_0000000000000000000000000000000000000000000000000000' }],
  'POST /auth/keys': [{ name: 'laptop' }, {}],
  'DELETE /auth/keys/nope': [],
  'GET /auth/keys': [],
  'GET /admin/v1/usage': [],
  'GET /': [],
  'GET /status': [],
  'GET /healthz': [],
  'GET /readyz': [],
  'GET /metrics': [],
  'GET /ollama': [],
  'GET /ollama/': [],
  'GET /ollama/v1/models': [],
  'GET /openai/v1/models': [],
  'GET /openai/v1/models/gpt-4': [],
  'POST /ollama/v1/generate': [
    { prompt: 'Hello!' },
    {
      model: 'tiny',
      prompt: 'Count from 1 to 20',
      parameters: { max_tokens: 9, temperature: 0.5 },
      stream: true,
    },
    { model: 'tiny-think', prompt: 'What is 6 times 7? Think first', think: true, system: 'Be short.' },
    { model: 'llava', prompt: 'What is this?', images: ['AAAA'], format: 'json', keep_alive: '5m' },
  ],
  'POST /ollama/v1/chat': [
    { messages: hello },
    { model: 'tiny', messages: called.slice(0, 1), tools: [tool], stream: true, parameters: { top_k: 3 } },
  ],
  'POST /openai/v1/chat/completions': [
    { model: 'tiny', messages: called, tools: [tool], tool_choice: 'auto', stream: true },
    { model: 'llava', messages: [{ role: 'user', content: parts }], max_completion_tokens: 7, n: 2 },
    {
      model: 'gpt-4',
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
      stop: ['help'],
    },
    { model: 'tiny', messages: hello, functions: [tool.function], function_call: 'auto' },
    {
      model: 'tiny',
      messages: hello,
      response_format: { type: 'json_object' },
      logprobs: true,
      top_logprobs: 2,
    },
  ],
  'POST /openai/v1/completions': [
    { model: 'tiny', prompt: ['Hello!', '', 'Tell me a story'], max_tokens: 5, echo: true, n: 2 },
    { model: 'tiny', prompt: 'Hello!', stream: true, logprobs: 2, suffix: 'b', seed: 7 },
  ],
  'POST /openai/v1/responses': [
    {
      model: 'tiny',
      instructions: 'Be short.',
      tools: [{ type: 'function', ...tool.function }],
      stream: true,
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'Hello!' }] },
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
        { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'warm' },
      ],
    },
  ],
  'POST /ollama/api/push': [{ model: 'tiny' }],
  'POST /ollama/api/blobs/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855': [],
  'POST /ollama/api/chat': [
    {
      model: 'tiny',
      messages: hello,
      options: { num_predict: 5, stop: ['a'] },
      tools: [tool],
      logprobs: true,
    },
  ],
};

const MANAGED = /^\/ollama\/api\/(pull|push|create|copy|delete|blobs\/)/;
const WORKS =
  /^(\/ollama\/(v1\/(generate|chat)|api\/(generate|chat|embed|embeddings))|\/openai\/v1\/(chat\/completions|completions|embeddings|responses))$/;

interface Recorded {
  request: { method: string; path: string; body: string | null };
}

/** What real clients sent to a real Ollama, at our paths. */
function recorded(): [route: string, body: string | null][] {
  const directory = join(import.meta.dirname, '../../recordings');
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Recorded)
    .map(({ request: { method, path, body } }) => [
      `${method} ${path.startsWith('/v1/') ? '/openai' : '/ollama'}${path}`,
      body,
    ]);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function targets(): Target[] {
  const bodies = new Map<string, Set<string>>();
  const add = (route: string, texts: string[]) => {
    const known = bodies.get(route) ?? new Set();
    for (const text of texts) known.add(text);
    bodies.set(route, known);
  };
  for (const [route, own] of Object.entries(OWN)) {
    add(
      route,
      own.map((body) => JSON.stringify(body)),
    );
  }
  for (const [route, body] of recorded()) add(route, body && isJson(body) ? [body] : []);
  return [...bodies].map(([route, texts]) => {
    const [method = '', path = ''] = route.split(' ');
    return {
      method,
      path,
      bodies: [...texts],
      ...(method === 'POST' && WORKS.test(path) && { inference: true as const }),
      ...(MANAGED.test(path) && { manage: true as const }),
    };
  });
}
