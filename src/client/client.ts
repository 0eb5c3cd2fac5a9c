import { type Credentials, createCredentials } from './credentials.js';
import { DIALECTS, type Dialect } from './dialects.js';
import { createOperation, type Operation } from './operation.js';
import { createSend, readJson, type Send } from './transport.js';
import type {
  Account,
  ChatRequest,
  ClientOptions,
  Gateway,
  GenerateRequest,
  Login,
  Registration,
  Replies,
  Usage,
} from './types.js';

type Generate<G extends Gateway> = Operation<
  GenerateRequest,
  Replies[G]['generate'],
  Replies[G]['generateChunk']
>;
type Chat<G extends Gateway> = Operation<ChatRequest, Replies[G]['chat'], Replies[G]['chatChunk']>;

/**
 * A client of a Parallama gateway, for Node and browsers. Needs `fetch`, nothing else.
 *
 * Every method rejects with {@link ParallamaError}; a call that was aborted by its signal rejects as `fetch` does.
 *
 * @example
 * const client = new ParallamaClient({ baseUrl: 'http://server:8000', apiKey: 'pk_live_...' });
 * const { text } = await client.generate({ model: 'llama2', prompt: 'Write a poem about AI', temperature: 0.7 });
 *
 * for await (const chunk of await client.generate({ model: 'llama2', prompt: 'Again', stream: true })) {
 *   process.stdout.write(chunk.text);
 * }
 */
export class ParallamaClient<G extends Gateway = 'ollama'> {
  /** Generates text: from `/ollama/v1/generate`, or `/openai/v1/completions` in OpenAI's shape. */
  readonly generate: Generate<G>;
  /**
   * Continues a conversation: from `/ollama/v1/chat`, or `/openai/v1/chat/completions` in OpenAI's shape.
   * `chat.completions.create` is the OpenAI one whatever the gateway.
   */
  readonly chat: Chat<G> & { readonly completions: { readonly create: Chat<'openai'> } };
  /** OpenAI's completions, whatever the gateway. */
  readonly completions: { readonly create: Generate<'openai'> };

  readonly #dialect: Dialect;
  readonly #send: Send;
  readonly #credentials: Credentials;

  /** @throws TypeError where `baseUrl` or `gateway` is wrong. */
  constructor(options: ClientOptions<G>) {
    const { baseUrl, gateway = 'ollama', fetch } = options;
    if (!/^https?:\/\/./i.test(baseUrl))
      throw new TypeError('baseUrl must be a URL such as http://server:8000');
    if (!Object.hasOwn(DIALECTS, gateway)) throw new TypeError("gateway must be 'ollama' or 'openai'");
    this.#dialect = DIALECTS[gateway];
    // Browsers want their fetch called as a function of the global object; looked up late, so that it can be mocked.
    this.#send = createSend(baseUrl, fetch ?? ((...request) => globalThis.fetch(...request)));
    this.#credentials = createCredentials(this.#send, options);

    const { openai } = DIALECTS;
    const { send } = this.#credentials;
    this.generate = createOperation(this.#dialect, this.#dialect.generate, send);
    this.completions = { create: createOperation(openai, openai.generate, send) };
    const chat: Chat<G> = createOperation(this.#dialect, this.#dialect.chat, send);
    const create: Chat<'openai'> = createOperation(openai, openai.chat, send);
    this.chat = Object.assign(chat, { completions: { create } });
  }

  /** The current access token. Changes when it is refreshed. */
  get accessToken(): string | undefined {
    return this.#credentials.accessToken;
  }

  /** The current refresh token, to be kept for a later session. A new one comes with every refresh. */
  get refreshToken(): string | undefined {
    return this.#credentials.refreshToken;
  }

  async listModels(options: { signal?: AbortSignal } = {}): Promise<Replies[G]['models']> {
    return this.#get(this.#dialect.models, options.signal);
  }

  /** What the caller has used and has left, by gateway. */
  async usage(options: { signal?: AbortSignal } = {}): Promise<Usage> {
    return this.#get('/admin/v1/usage', options.signal);
  }

  /** Makes an account and keeps its refresh token: the client is then logged in. */
  async register(account: Account): Promise<Registration> {
    return this.#open('/auth/register', account);
  }

  /** Logs in and keeps the tokens, which go before an API key from then on. */
  async login(account: Account): Promise<Login> {
    return this.#open('/auth/login', account);
  }

  async #get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return readJson<T>(await this.#credentials.send({ method: 'GET', path, signal }), signal);
  }

  async #open<T extends Registration | Login>(path: string, body: Account): Promise<T> {
    const reply = await readJson<T>(await this.#send({ method: 'POST', path, body }));
    this.#credentials.keep(reply);
    return reply;
  }
}
