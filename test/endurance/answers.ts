/** One question to a gateway, and what became of it. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Member } from '../stores/fleet.js';

/** `told`: an error, as a status or within the stream. `broken`: the connection ended without a word. */
export type End = 'full' | 'told' | 'broken' | 'left';

export interface Answer {
  user: Member;
  /** The model's name: the history keeps each apart. */
  name: string;
  /** Which gateway was asked. */
  slot: number;
  began: number;
  ended: number;
  /** 0 where no answer has begun. */
  status: number;
  /** With Retry-After. */
  retry: boolean;
  end: End;
  /** Of an answer in full. */
  tokens: number;
  text: string;
}

export interface Question {
  user: Member;
  name: string;
  slot: number;
  url: string;
  streamed: boolean;
  /** Milliseconds after which the client goes away. */
  leaveAfter?: number;
}

const QUESTION = 'Count from 1 to 30';

export async function ask({ user, name, slot, url, streamed, leaveAfter }: Question): Promise<Answer> {
  const began = performance.now();
  const req = request(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json' },
  });
  let left = false;
  const leave = () => {
    left = true;
    req.destroy();
  };
  const leaving = leaveAfter === undefined ? undefined : setTimeout(leave, leaveAfter);
  req.end(
    JSON.stringify({
      model: name,
      messages: [{ role: 'user', content: QUESTION }],
      ...(streamed && { stream: true, stream_options: { include_usage: true } }),
    }),
  );
  const { status, retry, text } = await replyTo(req);
  clearTimeout(leaving);
  const tokens = status === 200 ? tokensOf(text, streamed) : undefined;
  const told = status >= 400 || text.includes('data: {"error"');
  const end = tokens !== undefined ? 'full' : left ? 'left' : told ? 'told' : 'broken';
  return { user, name, slot, began, ended: performance.now(), status, retry, end, tokens: tokens ?? 0, text };
}

async function replyTo(req: ClientRequest): Promise<Pick<Answer, 'status' | 'retry' | 'text'>> {
  let text = '';
  try {
    const [response] = (await once(req, 'response')) as [IncomingMessage];
    const { statusCode: status = 0, headers } = response;
    const retry = headers['retry-after'] !== undefined;
    try {
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
    } catch {
      // What came so far tells how far it came.
    }
    return { status, retry, text };
  } catch {
    return { status: 0, retry: false, text };
  }
}

/** Undefined where it has not come to its end. */
function tokensOf(text: string, streamed: boolean): number | undefined {
  const whole = streamed ? text.endsWith('data: [DONE]\n\n') : text.endsWith('}');
  const total = /"total_tokens":(\d+)/.exec(text)?.[1];
  return whole && total !== undefined ? Number(total) : undefined;
}
