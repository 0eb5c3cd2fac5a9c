/** Clients that stream one answer after another, and know what they were sent. */
import { request } from 'node:http';

export interface Clients {
  /** Answers that came whole. */
  whole: number;
  /** Answers that began and ended without their end. */
  cut: string[];
  /** Tokens of the whole answers, as their usage chunks say. */
  tokens: number;
  /** Connections that were refused or closed before an answer began. */
  refused: number;
  /** Begins no more; resolves when all have ended. */
  stop(): Promise<void>;
}

export function startClients(url: string, key: string, count: number): Clients {
  let stopping = false;
  const clients: Clients = {
    whole: 0,
    cut: [],
    tokens: 0,
    refused: 0,
    async stop() {
      stopping = true;
      await Promise.all(running);
    },
  };
  const body = JSON.stringify({
    model: 'gpt-3.5-turbo',
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'Count from 1 to 20' }],
  });

  async function one(): Promise<void> {
    while (!stopping && clients.refused < count * 3) {
      const { status, text } = await stream(url, key, body);
      if (status === undefined) {
        clients.refused += 1;
      } else if (status === 200 && text.endsWith('data: [DONE]\n\n')) {
        clients.whole += 1;
        clients.tokens += Number(/"total_tokens":(\d+)/.exec(text)?.[1]);
      } else clients.cut.push(`${status} ${text.slice(-200)}`);
    }
  }

  const running = Array.from({ length: count }, one);
  return clients;
}

function stream(url: string, key: string, body: string): Promise<{ status?: number; text: string }> {
  return new Promise((resolve) => {
    const asked = request(`${url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    });
    asked.on('error', () => resolve({ text: '' }));
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('close', () => resolve({ status: response.statusCode, text }));
    });
    asked.end(body);
  });
}
