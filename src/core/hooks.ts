/** The host app's word on a request before Ollama hears of it. */
import type { GatewayName, Identity } from './contract.js';
import { GatewayError } from './errors.js';
import { StoreUnavailable } from './store/port.js';
import { parseExact } from './translate/json.js';
import type { Exchange, NativeCall, NativeEndpoint, NativeRequest } from './translate/types.js';

/** What {@link BeforeForward} is shown. */
export interface Forward {
  identity: Identity;
  gateway: GatewayName;
  /** As the client named it. */
  model: string;
  /** Ollama's endpoint that will be asked. */
  endpoint: NativeEndpoint;
  /**
   * The native request: may be changed in place. `model` and `stream` are the gateway's, whatever is written there;
   * `options.num_predict` can be lowered, and raised up to what the client asked for and its limits leave.
   */
  request: NativeRequest;
}

/**
 * Looks at a native request before it is sent, changes it, or rejects it by throwing: a GatewayError is answered as
 * it is, an `Error` with 403 and its message. What is thrown by mistake (TypeError and the like, a failed connection)
 * is a 500 for this request. Rejected requests use up nothing. Called once for each native request; a client's request
 * has several where it asks for several prompts or choices.
 *
 * @example
 * const gateway = await createGateway({
 *   beforeForward: async ({ identity, request }) => {
 *     if (await isBlocked(identity.id)) throw new Error('Your account is blocked.');
 *     request.options = { ...request.options, num_ctx: 8192 };
 *   },
 * });
 */
export type BeforeForward = (forward: Forward) => void | Promise<void>;

export interface Asking {
  identity: Identity;
  gateway: GatewayName;
  exchange: Exchange;
  /** Aborted when the client has gone. */
  signal?: AbortSignal;
}

/**
 * Shows the exchange's requests to the hook.
 * @returns the calls to make instead of the exchange's own
 * @throws GatewayError for a rejection, `internal` for a mistake of the hook, `client_gone` where the client has left
 */
export async function runHook(
  hook: BeforeForward,
  { identity, gateway, exchange, signal }: Asking,
): Promise<NativeCall[]> {
  const { id, username, role } = identity;
  const { model, endpoint } = exchange;
  const calls: NativeCall[] = [];
  for (const call of exchange.calls) {
    // Calls of one exchange share their parts, and a change is made to each of them.
    const request = parseExact(JSON.stringify(call.request)) as NativeRequest;
    const shown = { identity: { id, username, role }, gateway, model, endpoint, request };
    if (!call.answer) await whileThere(signal, () => decide(hook, shown));
    if (exchange.maxTokens !== undefined) bound(request, exchange.maxTokens);
    // Nothing is held for the output of a model that is only loaded.
    calls.push(exchange.load ? call : { ...call, request });
  }
  return calls;
}

async function decide(hook: BeforeForward, forward: Forward): Promise<void> {
  try {
    await hook(forward);
  } catch (error) {
    if (error instanceof GatewayError || error instanceof StoreUnavailable) throw error;
    if (isRejection(error)) throw new GatewayError('forbidden', { message: error.message, cause: error });
    throw new GatewayError('internal', { cause: error });
  }
}

/** Thrown by slips and by libraries, never to reject. */
const MISTAKES = [
  TypeError,
  RangeError,
  ReferenceError,
  SyntaxError,
  EvalError,
  URIError,
  AggregateError,
  DOMException,
];

function isRejection(error: unknown): error is Error {
  return error instanceof Error && !('syscall' in error) && !MISTAKES.some((kind) => error instanceof kind);
}

/** A client that leaves does not wait for the hook. */
async function whileThere(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
  if (!signal) return work();
  let leave: (() => void) | undefined;
  const gone = new Promise<never>((_, reject) => {
    leave = () => reject(new GatewayError('client_gone'));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
  try {
    await Promise.race([gone, work()]);
  } finally {
    if (leave) signal.removeEventListener('abort', leave);
  }
}

/** What the client allows each of its calls is not the hook's to lift. Ollama takes 0 and less for no bound. */
function bound(request: NativeRequest, maxTokens: number): void {
  const wish = request.options?.num_predict;
  const most = typeof wish === 'number' && wish >= 1 ? Math.min(wish, maxTokens) : maxTokens;
  request.options = { ...request.options, num_predict: most };
}
