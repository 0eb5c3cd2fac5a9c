/** What the client takes and gives: the shapes of the usage guide, field by field as they are on the wire. */

export type Gateway = 'ollama' | 'openai';

export interface ClientOptions<G extends Gateway = Gateway> {
  /** Where the gateway is, with the prefix it is mounted under: `http://server:8000`, `https://host/ai`. */
  baseUrl: string;
  apiKey?: string;
  /** Whose API `listModels`, `generate` and `chat` speak. Default `ollama`. */
  gateway?: G;
  /** From an earlier login. Goes before `apiKey`. */
  accessToken?: string;
  /** From an earlier login or registration; exchanged for a new access token when that is missing or refused. */
  refreshToken?: string;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

/** Options of a model. Others that the gateway knows can be named as well, in snake_case or camelCase. */
export interface Sampling {
  temperature?: number;
  max_tokens?: number;
  /** The same as `max_tokens`. */
  maxTokens?: number;
  top_p?: number;
  seed?: number;
  stop?: string | string[];
  [option: string]: unknown;
}

interface Request extends Sampling {
  /** On the `ollama` gateway the configured `default_model` where it is left out. */
  model?: string;
  stream?: boolean;
  /** Aborts the request, and the generation on the server with it. */
  signal?: AbortSignal;
}

export interface GenerateRequest extends Request {
  prompt: string;
}

export interface Message {
  role: string;
  content: unknown;
  [field: string]: unknown;
}

export interface ChatRequest extends Request {
  messages: Message[];
}

export interface TokenUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export interface OllamaModelList {
  models: { name: string; size: string; modified: string; details: { format: string; family: string } }[];
}

export interface OllamaGenerateReply {
  text: string;
  usage: TokenUsage;
}

/** The last one has `done: true` and the usage. */
export interface OllamaGenerateChunk {
  text: string;
  done: boolean;
  usage?: TokenUsage;
}

export interface OllamaMessage {
  role: string;
  content: string;
  [field: string]: unknown;
}

export interface OllamaChatReply {
  messages: OllamaMessage[];
  usage: TokenUsage;
}

/** The last one has `done: true` and the usage. */
export interface OllamaChatChunk {
  messages: OllamaMessage[];
  done: boolean;
  usage?: TokenUsage;
}

export interface OpenAIModelList {
  data: { id: string; object: string; created: number; owned_by: string }[];
}

interface OpenAIReply<Choice> {
  id: string;
  object: string;
  created: number;
  model: string;
  choices: Choice[];
}

interface OpenAIChoice {
  index: number;
  finish_reason: string | null;
  logprobs?: unknown;
}

export interface OpenAICompletion extends OpenAIReply<OpenAIChoice & { text: string }> {
  usage: TokenUsage;
}

export interface OpenAICompletionChunk extends OpenAIReply<OpenAIChoice & { text: string }> {
  usage?: TokenUsage | null;
}

export interface OpenAIMessage {
  role: string;
  content: string | null;
  [field: string]: unknown;
}

export interface OpenAIChatCompletion extends OpenAIReply<OpenAIChoice & { message: OpenAIMessage }> {
  usage: TokenUsage;
}

export interface OpenAIChatChunk extends OpenAIReply<OpenAIChoice & { delta: Partial<OpenAIMessage> }> {
  usage?: TokenUsage | null;
}

/** What each operation gives, by gateway. */
export interface Replies {
  ollama: {
    models: OllamaModelList;
    generate: OllamaGenerateReply;
    generateChunk: OllamaGenerateChunk;
    chat: OllamaChatReply;
    chatChunk: OllamaChatChunk;
  };
  openai: {
    models: OpenAIModelList;
    generate: OpenAICompletion;
    generateChunk: OpenAICompletionChunk;
    chat: OpenAIChatCompletion;
    chatChunk: OpenAIChatChunk;
  };
}

export interface Account {
  username: string;
  password: string;
}

export interface Registration {
  user_id: string;
  username: string;
  role: string;
  refresh_token: string;
}

export interface Login {
  access_token: string;
  refresh_token: string;
  token_type: string;
  /** Seconds. */
  expires_in: number;
}

export interface UsageWindow {
  total_tokens: number;
  total_requests: number;
  /** null where unlimited. */
  remaining_tokens: number | null;
  /** null where unlimited. */
  remaining_requests: number | null;
}

export interface Usage {
  gateways: Partial<Record<Gateway, { today: UsageWindow; current_hour: UsageWindow }>>;
}
