/** What users of the simulator see. */
import type { IncomingHttpHeaders } from 'node:http';

export type Capability = 'completion' | 'tools' | 'insert' | 'vision' | 'thinking' | 'embedding';

/** A model that the simulator offers. Everything but its name can be left out. */
export interface SimulatedModel {
  /** With or without a tag: `llama2` is `llama2:latest`. */
  name: string;
  /** Completion, tools and insert when left out. */
  capabilities?: Capability[];
  /** Tokens; 2048 when left out. Longer prompts are cut silently, as Ollama does. */
  contextLength?: number;
  /** Numbers per embedding; 128 when left out. */
  embeddingLength?: number;
  /** What it knows beside its own dialogs: the user's message, and the answer. */
  answers?: Record<string, string>;
  /** A system prompt of the model's own. */
  system?: string;
  /** Options of the model's own: `{ temperature: 0, num_ctx: 512 }`. */
  parameters?: Record<string, unknown>;
  family?: string;
  /** As shown: `7B`. */
  parameterSize?: string;
  quantization?: string;
  /** Bytes on disk. */
  size?: number;
  /** Bytes in memory while it is loaded; a tenth more than on disk when left out. */
  memory?: number;
  /** For `/api/show`. */
  blocks?: number;
  heads?: number;
  feedForward?: number;
}

/** Where a request stands. `failed` was ended by a fault or by {@link Simulator.close}. */
export type RequestState = 'running' | 'done' | 'aborted' | 'failed';

/** One request that the simulator has seen. Times are milliseconds since 1970. */
export interface SimulatedRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined while it is being read, and where it is none. */
  body: unknown;
  state: RequestState;
  /** Tokens generated so far. */
  generated: number;
  startedAt: number;
  endedAt?: number;
  /** When the client was seen to have gone. */
  abortedAt?: number;
}

export type FaultKind =
  /** The connection is destroyed before any answer. */
  | 'refuse'
  /** Answers `status` (500) with `error`. */
  | 'status'
  /** Answers 503 in Ollama's words. */
  | 'queue-full'
  /** After `afterTokens` an `{"error": …}` line ends the stream; without streaming it is a 500. */
  | 'error-line'
  /**
   * After `afterTokens` the stream ends cleanly without `done`; a whole answer is a 200 with `done:
   * false`.
   */
  | 'eof'
  /** After `afterTokens` the connection is destroyed. */
  | 'reset'
  /** Accepts the request and never answers. */
  | 'silent'
  /** The answer begins `ms` later, as while a model is loaded. */
  | 'slow-load'
  /** After `afterTokens` comes a line that is not JSON; then the stream goes on. */
  | 'garbage'
  /**
   * The next answer that a client leaves halfway locks its model (ollama#17131): requests for it are
   * accepted and never answered, `/api/ps` shows it loaded, others go on. Unloading heals it, as soon as no
   * request waits for it.
   */
  | 'lock';

export interface Fault {
  kind: FaultKind;
  /** How many requests it hits; until it is taken back when left out (`lock`: one). */
  times?: number;
  /** An exact path, or `*` for all. When left out: chat, generate, embed and embeddings. */
  path?: string;
  /** When left out: every model. */
  model?: string;
  /** For `status`. */
  status?: number;
  /** The error's text, for `status` and `error-line`. */
  error?: string;
  /** For `status`: the error is then sent as it is, under this type. */
  contentType?: string;
  /** 3 when left out. */
  afterTokens?: number;
  /** For `slow-load`: milliseconds, 1000 when left out. */
  ms?: number;
}

export interface SimulatorOptions {
  /** 127.0.0.1 when left out. */
  host?: string;
  /** A free one when left out. */
  port?: number;
  /** {@link DEFAULT_MODELS} when left out. */
  models?: SimulatedModel[];
  /** What `/api/pull` finds beside the models that are there. */
  registry?: SimulatedModel[];
  /** Milliseconds between tokens. */
  pace?: number;
  /** Milliseconds of prompt evaluation before the first token. */
  firstToken?: number;
  /** `0.24.0` when left out. */
  version?: string;
}

export interface Simulator {
  readonly url: string;
  readonly port: number;
  /** The newest 5000 requests, oldest first; set its length to 0 to forget them. */
  readonly requests: SimulatedRequest[];
  /** Milliseconds between tokens; may be set while requests run. */
  pace: number;
  /** Milliseconds before the first token; may be set while requests run. */
  firstToken: number;
  /** Arms a fault; the function takes it back. Of several that fit, the oldest strikes. */
  fail(fault: Fault): () => void;
  readonly models: {
    list(): SimulatedModel[];
    /** Adds a model, or replaces the one of that name. */
    add(model: SimulatedModel): void;
    /** False where there is none of that name. */
    remove(name: string): boolean;
  };
  /** Ends running requests and frees the port. */
  close(): Promise<void>;
}
