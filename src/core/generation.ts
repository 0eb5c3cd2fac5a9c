/**
 * One admitted exchange: ask Ollama, count what comes, give it to the client, settle exactly once.
 *
 * Ollama is asked to stream even where the client wants the whole: so that a client that leaves can be charged for
 * what was generated, and a grant can be topped up or end the answer. Nothing that completes an answer goes out
 * before the store, or else the journal, has taken its settlement: that survives the end of this process. Neither is
 * synced to the disk for each request, so that a power cut may lose the last of them.
 */
import type { Readable } from 'node:stream';
import type { Dialect } from './contract.js';
import { GatewayError } from './errors.js';
import { asGatewayError, storeAway } from './failure.js';
import { type Give, pushStream } from './http/push-stream.js';
import { answerSize, readAll } from './http/read-all.js';
import { NOTHING_USED } from './limits/lease.js';
import type { ResolvedModel } from './models.js';
import { createStop } from './stop.js';
import {
  collector,
  isDone,
  lengthChunk,
  parseChunk,
  streamError,
  type UpstreamContext,
  upstreamError,
} from './translate/index.js';
import type { Exchange, NativeAnswer, NativeCall, NativeChunk, ReplyContext } from './translate/types.js';
import type { AnswerBody } from './upstream/answer-body.js';
import type { Upstream } from './upstream/client.js';
import { type Received, readNative } from './upstream/native-stream.js';
import { type AccountOptions, createAccount } from './usage/account.js';
import type { Outcome } from './usage/meter.js';

export interface Work extends AccountOptions {
  exchange: Exchange;
  context: ReplyContext;
  dialect: Dialect;
  model: ResolvedModel;
  upstream: Upstream;
  /** Aborted when the client has gone. */
  signal?: AbortSignal;
  /** Milliseconds of silence after which a stream gets a heartbeat, where its dialect has one; 0 for none. */
  heartbeatEvery: number;
  onFirstByte(): void;
  /** The stream breaks off after its status has gone out. */
  onBroken(failure: GatewayError): void;
}

/**
 * Tokens held beyond those that were counted. Ollama's final count is higher than that of the chunks: the end of an answer
 * is a token, and a character can end with it. Held in advance, they are charged also if the store is away by then.
 */
const SPARE_TOKENS = 2;

export interface Generation {
  /** The whole answer, as {@link Exchange.whole} gives it. Rejects with a GatewayError. */
  whole(): Promise<unknown>;
  /**
   * Resolves when there is something to send, be it a heartbeat; until then, failures reject and can still be a status.
   */
  stream(): Promise<{ headers: Record<string, string>; body: Readable }>;
}

/** What is done with the chunks once they are counted. */
interface Sink {
  write(call: number, chunk: NativeChunk, line?: Buffer): string | Buffer;
  end(): string;
}

const NO_ANSWER = 'The model server ended its answer before it began.';

type Final = { chunk: NativeChunk; line?: Buffer };

export function createGeneration(work: Work): Generation {
  const { exchange, lease, meter, upstream } = work;
  const generates = exchange.endpoint === '/api/chat' || exchange.endpoint === '/api/generate';
  const asked: UpstreamContext = {
    model: exchange.model,
    upstreamModel: work.model.upstream,
    dialect: work.dialect,
    endpoint: exchange.endpoint,
  };
  const stop = createStop();
  const leave = stop.say;
  work.signal?.addEventListener('abort', leave);
  if (work.signal?.aborted || lease.lost || lease.revoked) leave();
  let sent = false;
  let answered = false;
  let settled = false;

  /** The limit has no more than is held. */
  let full = false;
  /** The limit still has tokens to spare. */
  let spares = true;
  const account = createAccount(work);
  const { room } = account;
  lease.workFor({ onLost: leave, known: () => (answered ? account.charge('aborted') : NOTHING_USED) });

  /** Where all that Ollama may generate is granted, its final count cannot be higher. */
  const spare = () => (spares && !full && lease.output < (lease.ceiling ?? 0) ? SPARE_TOKENS : 0);

  async function settle(outcome: Outcome, failure?: GatewayError): Promise<void> {
    if (settled) return;
    settled = true;
    work.signal?.removeEventListener('abort', leave);
    await account.settle(outcome, { sent, answered, failure });
  }

  /** Ends what is under way; what to tell the client is returned. */
  async function fail(error: unknown): Promise<GatewayError> {
    const { revoked } = lease;
    const gone = stop.said && !lease.lost && !revoked;
    stop.say();
    const failure = revoked ?? (lease.lost ? storeAway(error) : asGatewayError(error));
    await settle(gone || revoked ? 'aborted' : 'failed', failure);
    if (gone) return new GatewayError('client_gone', { cause: error });
    // What was generated is charged; openai's clients would try twice more, and pay each time, without being asked.
    if (answered) failure.headers['x-should-retry'] ??= 'false';
    return failure;
  }

  async function ask(call: NativeCall): Promise<AnswerBody> {
    if (stop.said) throw new GatewayError('client_gone');
    sent = true;
    meter.begin(call);
    const answer = await upstream.send({
      method: 'POST',
      path: exchange.endpoint,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(nativeBody(call)),
      model: exchange.load ? undefined : work.model.canonical,
      stops: [stop],
    });
    if (answer.status === 200) return answer.body;
    const text = (await readAll(answer.body.stream())).toString();
    throw upstreamError(answer.status, text, asked);
  }

  function nativeBody(call: NativeCall): Record<string, unknown> {
    const body: Record<string, unknown> = { ...call.request, model: work.model.upstream };
    if (!generates) return body;
    body.stream = !exchange.load;
    if (!exchange.load && lease.ceiling !== undefined) {
      // Never 0: Ollama takes that for no limit at all.
      const left = Math.max(1, lease.ceiling - meter.output());
      body.options = { ...call.request.options, num_predict: Math.min(maxTokensOf(call) ?? left, left) };
    }
    return body;
  }

  function seen(): void {
    if (answered) return;
    answered = true;
    work.onFirstByte();
  }

  /** The answer ends here because the limit does. */
  function cut(call: NativeCall): Final {
    return {
      chunk: lengthChunk(work.model.upstream, exchange.endpoint, meter.cut(call, room()), new Date()),
    };
  }

  /**
   * Ollama has ended its answer without saying so, as it does when it sees a model repeat itself: what has come is the
   * answer, and what it cost is estimated.
   */
  function ended(call: NativeCall): Final {
    const counts = meter.cut(call, lease.output);
    const full =
      counts.completionTokens >= Math.min(maxTokensOf(call) ?? Infinity, lease.ceiling ?? Infinity);
    const reason = full ? 'length' : 'stop';
    return { chunk: lengthChunk(work.model.upstream, exchange.endpoint, counts, new Date(), reason) };
  }

  /** Counts one call's chunks and gives the client all but the last one, which is returned: it is not final yet. */
  async function relay(index: number, call: NativeCall, sink: Sink, give: Give): Promise<Final | undefined> {
    let final: Final | undefined;
    let out: string | Buffer = '';

    function write({ chunk, line }: Received): void {
      out = join(out, sink.write(index, chunk, line));
    }

    function flush(): Promise<void> | undefined {
      const piece = out;
      out = '';
      return piece.length > 0 ? give(piece) : undefined;
    }

    /** Where the grant holds, which is nearly always, nothing is waited for. */
    function take(received: Received[]): boolean | Promise<boolean> {
      seen();
      // After its last line the answer is read to its end, so that the connection can be used again.
      if (final) return true;
      for (let at = 0; at < received.length; at += 1) {
        const one = received[at]!;
        if (isDone(one.chunk)) {
          final = one;
          break;
        }
        const output = meter.count(one.chunk);
        if (output > (full ? room() : lease.output - spare())) return grow(one, received.slice(at + 1));
        write(one);
      }
      return flush()?.then(() => true) ?? true;
    }

    async function grow(one: Received, rest: Received[]): Promise<boolean> {
      const missing = meter.output() - lease.output;
      if (spare() > 0 && !(await lease.grow(missing + spare()))) spares = false;
      if (!full && meter.output() > lease.output && !(await lease.grow(missing))) full = true;
      // What was held for the prompt and is not needed comes last: so nothing is left where the limit ends an answer.
      if (meter.output() <= (full ? room() : lease.output)) {
        write(one);
        return take(rest);
      }
      final = cut(call);
      await flush();
      return false;
    }

    await readNative(await ask(call), asked, take);
    return final;
  }

  /** Runs all calls into the sink; what comes out of it is given to the client. */
  async function run(sink: Sink, give: Give): Promise<void> {
    const { calls } = exchange;
    for (const [index, call] of calls.entries()) {
      let final: Final | undefined = call.answer && { chunk: call.answer };
      if (!final && lease.ceiling !== undefined && meter.output() >= lease.ceiling) final = cut(call);
      const before = meter.output();
      final ??= await relay(index, call, sink, give);
      if (!final && meter.output() === before)
        throw new GatewayError('upstream_error', { message: NO_ANSWER });
      final ??= ended(call);
      if (final.line || call.answer) meter.finish(call, final.chunk);
      const last = index === calls.length - 1;
      if (last) await account.coverFinalCount();
      if (last) await settle(meter.exact() ? 'final' : 'estimated');
      const out = join(sink.write(index, final.chunk, final.line), last ? sink.end() : '');
      if (out.length > 0) await give(out);
    }
  }

  /** Embeddings are one document, which can be longer than any line of a stream. */
  async function readDocuments(): Promise<NativeAnswer[]> {
    const answers: NativeAnswer[] = [];
    for (const call of exchange.calls) {
      const bytes = await readAll((await ask(call)).stream());
      seen();
      const value = parseChunk(bytes);
      const error = streamError(value, asked);
      if (error) throw error;
      meter.finish(call, value);
      answers.push({ value, bytes });
    }
    await settle(meter.exact() ? 'final' : 'estimated');
    return answers;
  }

  async function readStreams(): Promise<NativeAnswer[]> {
    const collectors = exchange.calls.map(() => collector());
    const documents: (Buffer | undefined)[] = [];
    const size = answerSize();
    let lines = 0;
    const sink: Sink = {
      write(index, chunk, line) {
        if (line) size(line);
        collectors[index]!.write(chunk);
        lines += 1;
        documents[index] = chunk.done && lines === 1 ? line : undefined;
        if (chunk.done) lines = 0;
        return '';
      },
      end: () => '',
    };
    await run(sink, () => undefined);
    return collectors.map((collected, index) => ({ value: collected.value(), bytes: documents[index] }));
  }

  return {
    async whole() {
      try {
        const answers = await (generates ? readStreams() : readDocuments());
        return exchange.whole(answers, work.context);
      } catch (error) {
        throw await fail(error);
      }
    },

    async stream() {
      const encoder = exchange.encoder(work.context);
      const { heartbeat } = encoder;
      const pushing = pushStream((give) => run(encoder, give), {
        heartbeat:
          heartbeat !== undefined && work.heartbeatEvery > 0
            ? { text: heartbeat, every: work.heartbeatEvery }
            : undefined,
        async onError(error) {
          const failure = await fail(error);
          if (failure.kind === 'client_gone') return '';
          work.onBroken(failure);
          return encoder.fail(failure);
        },
        async onLeave() {
          leave();
          await settle('aborted');
        },
      });
      try {
        return { headers: encoder.headers, body: await pushing };
      } catch (error) {
        throw await fail(error);
      }
    },
  };
}

function join(a: string | Buffer, b: string | Buffer): string | Buffer {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  return Buffer.concat([Buffer.from(a), Buffer.from(b)]);
}

/** The call's own bound; Ollama takes 0 and less for none. */
function maxTokensOf({ request }: NativeCall): number | undefined {
  const bound = request.options?.num_predict;
  return typeof bound === 'number' && bound >= 1 ? Math.floor(bound) : undefined;
}
