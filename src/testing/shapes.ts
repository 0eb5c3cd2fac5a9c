/** The bodies that Ollama's endpoints read, by the names and types of its `api` package. */
import {
  anything,
  bool,
  bytes,
  type Decoded,
  duration,
  int,
  list,
  map,
  raw,
  string,
  struct,
  think,
} from './go-decode.js';

const options = map('map[string]interface {}');

const toolCall = struct('api.ToolCall', {
  id: string,
  function: struct('api.ToolCallFunction', {
    index: int,
    name: string,
    arguments: map('api.ToolCallFunctionArguments'),
  }),
});

const message = struct('api.Message', {
  role: string,
  content: string,
  thinking: string,
  images: list(bytes, '[]api.ImageData'),
  tool_calls: list(toolCall, '[]api.ToolCall'),
  tool_name: string,
  tool_call_id: string,
});

const tool = struct('api.Tool', {
  type: string,
  items: anything,
  function: struct('api.ToolFunction', {
    name: string,
    description: string,
    parameters: map('api.ToolFunctionParameters'),
  }),
});

const common = {
  model: string,
  stream: bool,
  format: raw,
  keep_alive: duration,
  options,
  think,
  truncate: bool,
  shift: bool,
  logprobs: bool,
  top_logprobs: int,
  _debug_render_only: bool,
};

export const CHAT = { ...common, messages: list(message, '[]api.Message'), tools: list(tool, 'api.Tools') };

export const GENERATE = {
  ...common,
  prompt: string,
  suffix: string,
  system: string,
  template: string,
  context: list(int, '[]int'),
  raw: bool,
  images: list(bytes, '[]api.ImageData'),
};

export const EMBED = {
  model: string,
  input: anything,
  truncate: bool,
  dimensions: int,
  keep_alive: duration,
  options,
};
export const EMBEDDINGS = { model: string, prompt: string, keep_alive: duration, options };
export const SHOW = { model: string, name: string, system: string, template: string, verbose: bool, options };
export const COPY = { source: string, destination: string };
export const NAMED = { model: string, name: string, stream: bool, insecure: bool };
export const CREATE = {
  ...NAMED,
  from: string,
  files: map('map[string]string'),
  adapters: map('map[string]string'),
  template: string,
  license: anything,
  system: string,
  parameters: map('map[string]interface {}'),
  messages: list(message, '[]api.Message'),
  quantize: string,
};

export type ChatRequest = Decoded<typeof CHAT>;
export type GenerateRequest = Decoded<typeof GENERATE>;
export type Message = ReturnType<typeof message>;
export type Tool = ReturnType<typeof tool>;
