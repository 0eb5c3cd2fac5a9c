/** Clients that ask a gateway, and know whether they have an answer in full. */
import { send } from '../support/gateway.js';
import type { ServerProcess } from '../support/server-process.js';
import type { Member } from './fleet.js';

export interface Answer {
  /** 0 where the connection broke. */
  status: number;
  /** Everything came, up to the end of the stream. */
  complete: boolean;
  /** Prompt and completion, by the answer itself. */
  tokens: number;
  text: string;
}

export interface Chat {
  text?: string;
  maxTokens?: number;
}

const PATH = '/openai/v1/chat/completions';
const BROKEN: Answer = { status: 0, complete: false, tokens: 0, text: '' };

/** One streamed answer. */
export async function stream(
  { url }: Pick<ServerProcess, 'url'>,
  { key }: Pick<Member, 'key'>,
  { text = 'Count from 1 to 30', maxTokens }: Chat = {},
): Promise<Answer> {
  const body = {
    model: 'gpt-4',
    messages: [{ role: 'user', content: text }],
    max_tokens: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
  };
  const reply = await send(url, PATH, { key, body }).catch(() => undefined);
  if (!reply) return BROKEN;
  const usage = /"total_tokens":(\d+)/.exec(reply.text)?.[1];
  const complete = reply.status === 200 && reply.text.endsWith('data: [DONE]\n\n');
  return { status: reply.status, complete, tokens: Number(usage ?? 0), text: reply.text };
}

export interface Load {
  answers: Answer[];
  /** Waits for the answers under way. */
  stop(): Promise<Answer[]>;
}

/** Clients that ask one gateway after the other, until they are stopped. */
export function load(servers: ServerProcess[], user: Member, clients: number, chat?: Chat): Load {
  const answers: Answer[] = [];
  let stopped = false;
  const all = Array.from({ length: clients }, async (_, at) => {
    for (let turn = at; !stopped; turn += 1) {
      const answer = await stream(servers[turn % servers.length]!, user, chat);
      answers.push(answer);
      // Whoever is refused comes again a little later.
      if (answer.status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  return {
    answers,
    async stop() {
      stopped = true;
      await Promise.all(all);
      return answers;
    },
  };
}

/** How many answers there are of each status. */
export function statuses(answers: Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

export function sumOf(answers: Answer[]): { requests: number; tokens: number } {
  return { requests: answers.length, tokens: answers.reduce((sum, { tokens }) => sum + tokens, 0) };
}
