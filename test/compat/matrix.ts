/**
 * Clients and features, and the tests that tell whether the one works with the other: what docs/compatibility.md is
 * made of. A test is a feature's where its title is the feature's name (in Python `test_chat_stream` is "chat
 * stream"), and where a client names it so.
 */

export interface Feature {
  name: string;
  words: string;
}

export const FEATURES: Feature[] = [
  { name: 'models', words: 'The list of models, and one of them' },
  { name: 'chat', words: 'Chat, with its usage' },
  { name: 'chat stops at its limit', words: 'A limit for tokens' },
  { name: 'chat stream', words: 'Chat, streamed' },
  { name: 'tools', words: 'Tools, over two turns' },
  { name: 'tools stream', words: 'Several calls in a stream' },
  { name: 'schema', words: 'JSON by a schema' },
  { name: 'reasoning', words: 'Reasoning beside the answer' },
  { name: 'logprobs', words: 'Log probabilities' },
  { name: 'images', words: 'Images' },
  { name: 'completions', words: 'Completions' },
  { name: 'embeddings', words: 'Embeddings' },
  { name: 'responses', words: "OpenAI's Responses API" },
  { name: 'memory', words: 'Responses that remember: `previous_response_id`, `conversation`' },
  { name: 'managing models', words: 'Pulling, creating, deleting models' },
  { name: 'errors', words: "Errors, in the client's own classes" },
  { name: 'limits', words: 'A limit that is reached (429)' },
  { name: 'a stream that fails midway', words: 'A stream that fails midway throws' },
  { name: 'leaving a stream', words: 'Leaving a stream stops Ollama' },
];

export const CELLS = {
  yes: 'Its tests pass.',
  no: 'A test fails.',
  'Ollama cannot': 'Ollama has nothing of the kind, and the gateway says so.',
  'client cannot': 'The client itself is why, as said below the table.',
} as const;
export type Cell = keyof typeof CELLS;

export interface Cannot {
  cell: Cell;
  why: string;
}

export interface Client {
  name: string;
  language: 'JavaScript' | 'Python';
  /** As package.json or the list of requirements has it. */
  package: string;
  api: 'openai' | 'ollama';
  /** In this folder, or in `python`. */
  files: string[];
  /** The `describe` around its tests, where the file has those of others too. */
  within?: string;
  /** Of two kinds of a test in Python, as pytest calls it: `test_chat[openai]`. */
  kind?: string;
  /** Features whose tests have other names. */
  named?: Record<string, string[]>;
  /** Features whose tests show that they fail, where, and why. */
  cannot?: Record<string, Cannot>;
  /** Features whose tests are another client's. */
  without?: string[];
}

export const CLIENTS: Client[] = [
  {
    name: 'openai',
    language: 'JavaScript',
    package: 'openai',
    api: 'openai',
    files: ['openai.test.ts', 'responses.test.ts'],
    named: {
      models: [
        'models > the names of the mappings and the models there are, each once',
        'models > one of them: gpt-4',
      ],
      chat: ['chat > whole'],
      'chat stops at its limit': ['chat > is steered by stop, seed and the limits for tokens'],
      'chat stream': ['chat > streamed', 'chat > streamed with its usage in a chunk of its own'],
      tools: ['tools > one call, and the turn after it'],
      'tools stream': ['tools > two at once, whole and streamed, each with an id and a place of its own'],
      schema: ['chat > JSON by a schema, parsed'],
      reasoning: ['chat > thoughts beside the answer'],
      logprobs: ['chat > logprobs'],
      images: ['chat > an image as data URL'],
      completions: ['completions > whole and streamed', 'completions > of several prompts, several times'],
      embeddings: [
        'embeddings > in base64, as the client asks by default, and as numbers',
        'embeddings > cut to fewer dimensions',
      ],
      responses: [
        'a response > is created',
        'a response > is streamed',
        'a response > takes instructions, a list of items and a developer',
      ],
      memory: [
        'a response that fails > for want of a memory names the field: {"previous_response_id":"resp_1"}',
        'a response that fails > for want of a memory names the field: {"conversation":"conv_1"}',
      ],
      errors: ['errors > 400 names the field', 'errors > 401', 'errors > 403', 'errors > 413'],
      limits: ['errors > 429 of a limit that waiting does not cure is not tried again'],
      'a stream that fails midway': ['a stream > that breaks throws what happened, after the text that came'],
      'leaving a stream': ['a stream > that the client aborts stops Ollama'],
    },
    cannot: {
      memory: { cell: 'Ollama cannot', why: 'it keeps no answers; 400 names the field' },
    },
  },
  { name: 'openai', language: 'Python', package: 'openai', api: 'openai', files: ['test_openai.py'] },
  {
    name: 'AI SDK, openai-compatible',
    language: 'JavaScript',
    package: '@ai-sdk/openai-compatible',
    api: 'openai',
    files: ['ai-sdk.test.ts'],
    within: '@ai-sdk/openai-compatible',
  },
  {
    name: 'LangChain',
    language: 'JavaScript',
    package: '@langchain/openai',
    api: 'openai',
    files: ['langchain.test.ts'],
    within: '@langchain/openai',
    named: {
      schema: ['schema: jsonSchema', 'schema: jsonMode'],
      responses: [
        'responses > whole and streamed',
        'responses > with tools, over two turns',
        'responses > with two calls in a stream, each with arguments of its own',
        'responses > with a schema',
      ],
    },
  },
  {
    name: 'LangChain',
    language: 'Python',
    package: 'langchain-openai',
    api: 'openai',
    files: ['test_langchain_openai.py'],
  },
  {
    name: 'litellm',
    language: 'Python',
    package: 'litellm',
    api: 'openai',
    files: ['test_litellm.py'],
    kind: 'openai',
    named: { 'tools stream': ['tools stream', 'two tools stream'] },
  },
  {
    name: 'ollama',
    language: 'JavaScript',
    package: 'ollama',
    api: 'ollama',
    files: ['ollama.test.ts'],
    named: {
      models: ['reading > list, ps, version', "reading > show, without what is the operator's"],
      chat: ['generating > chat, whole and streamed'],
      'chat stops at its limit': [
        'generating > generate, whole and streamed, with a suffix and with options',
      ],
      'chat stream': ['generating > chat, whole and streamed'],
      tools: ['generating > tools, and the turn after them'],
      'tools stream': ['generating > two tools in a stream'],
      schema: ['generating > a format'],
      reasoning: ['generating > thoughts'],
      images: ['generating > an image, given as base64 or as bytes'],
      completions: ['generating > generate, whole and streamed, with a suffix and with options'],
      embeddings: ['generating > embed and embeddings'],
      'managing models': ['managing models > works for an admin, with its progress, and shows at once'],
      errors: ['errors > 401 without a key, and with a wrong one', 'errors > 404 in the words of Ollama'],
      limits: ['errors > 429 says which limit'],
      'a stream that fails midway': ['generating > a stream that breaks throws what happened'],
      'leaving a stream': ['generating > a stream that is aborted stops Ollama'],
    },
  },
  {
    name: 'ollama',
    language: 'Python',
    package: 'ollama',
    api: 'ollama',
    files: ['test_ollama.py'],
    named: { completions: ['generate'] },
  },
  {
    name: 'AI SDK, ollama-ai-provider-v2',
    language: 'JavaScript',
    package: 'ollama-ai-provider-v2',
    api: 'ollama',
    files: ['ai-sdk.test.ts'],
    within: 'ollama-ai-provider-v2',
    cannot: {
      completions: {
        cell: 'client cannot',
        why: 'streamed, it wants a `context` in each line, and Ollama sends one in the last; whole ones work',
      },
      'a stream that fails midway': {
        cell: 'client cannot',
        why: 'it passes over the line with the error, with Ollama itself as through the gateway',
      },
    },
  },
  {
    name: 'LangChain',
    language: 'JavaScript',
    package: '@langchain/ollama',
    api: 'ollama',
    files: ['langchain.test.ts'],
    within: '@langchain/ollama',
    named: { schema: ['schema: jsonSchema', 'schema: jsonMode'] },
  },
  {
    name: 'LangChain',
    language: 'Python',
    package: 'langchain-ollama',
    api: 'ollama',
    files: ['test_langchain_ollama.py'],
    named: { completions: ['generate'] },
  },
  {
    name: 'litellm',
    language: 'Python',
    package: 'litellm',
    api: 'ollama',
    files: ['test_litellm.py'],
    kind: 'ollama_chat',
    named: { completions: ['generate'] },
    cannot: {
      embeddings: { cell: 'client cannot', why: 'it sends no key, whatever it is given' },
    },
    without: ['errors', 'a stream that fails midway', 'leaving a stream'],
  },
];
