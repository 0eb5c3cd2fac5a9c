/** Lines to paste into a terminal: each block works by itself, with the real address, key and model. */

export interface DemoLines {
  title: string;
  lines: string;
}

export function demoLines({ url, key, model }: { url: string; key: string; model: string }): DemoLines[] {
  const node = (code: string) => `node --input-type=module <<'END'\n${code}\nEND`;
  return [
    {
      title: 'curl, a whole answer',
      lines: `KEY=${key}
curl ${url}/openai/v1/chat/completions \\
  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
  -d '{"model": "${model}",
       "messages": [{"role": "user", "content": "Hello!"}]}'`,
    },
    {
      title: 'curl, streaming',
      lines: `KEY=${key}
curl -N ${url}/openai/v1/chat/completions \\
  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
  -d '{"model": "${model}", "stream": true,
       "messages": [{"role": "user", "content": "Count from 1 to 20"}]}'`,
    },
    {
      title: 'The openai package (npm install openai)',
      lines: node(`import OpenAI from 'openai';
const openai = new OpenAI({
  baseURL: '${url}/openai/v1',
  apiKey: '${key}',
});
const answer = await openai.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: 'Hello!' }],
});
console.log(answer.choices[0].message.content);`),
    },
    {
      title: 'The ollama package (npm install ollama)',
      lines: node(`import { Ollama } from 'ollama';
const key = '${key}';
const ollama = new Ollama({
  host: '${url}/ollama',
  headers: { Authorization: \`Bearer \${key}\` },
});
const answer = await ollama.chat({
  model: '${model}',
  messages: [{ role: 'user', content: 'Hello!' }],
});
console.log(answer.message.content);`),
    },
    {
      title: 'What the key has used',
      lines: `KEY=${key}
curl ${url}/admin/v1/usage -H "Authorization: Bearer $KEY"`,
    },
  ];
}
