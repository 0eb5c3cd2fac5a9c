/**
 * Renders a conversation into the prompt that the model reads: the template of the tiny models, in code.
 */
import { goStringify } from './go-text.js';
import type { Message, Tool } from './shapes.js';

/** As `/api/show` shows it. */
export const TEMPLATE = `{{- if .Suffix }}<|fim_prefix|>{{ .Prompt }}<|fim_suffix|>{{ .Suffix }}<|fim_middle|>
{{- else }}
{{- if or .System .Tools }}<|im_start|>system
{{ .System }}
{{- if .Tools }}
# Tools
{{ range .Tools }}{{ .Function.Name }}
{{ end }}{{ end }}<|im_end|>
{{ end }}
{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ .Content }}
{{- if .ToolCalls }}
{{- range .ToolCalls }}<tool_call>
{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}
</tool_call>{{ end }}{{ end }}{{ if not $last }}<|im_end|>
{{ end }}
{{- else if eq .Role "tool" }}<|im_start|>user
<tool_response>{{ .Content }}</tool_response><|im_end|>
{{ end }}
{{- if and (ne .Role "assistant") $last }}<|im_start|>assistant
{{ end }}
{{- end }}
{{- end }}`;

/** A model that thinks has its thoughts in the template; Ollama knows it by that. */
export const THINKING_TEMPLATE = TEMPLATE.replace(
  '<|im_start|>assistant\n{{ .Content }}',
  '<|im_start|>assistant\n{{ if .Thinking }}<think>\n{{ .Thinking }}\n</think>\n\n{{ end }}{{ .Content }}',
);

export const infill = (prompt: string, suffix: string): string =>
  `<|fim_prefix|>${prompt}<|fim_suffix|>${suffix}<|fim_middle|>`;

export interface Conversation {
  messages: Message[];
  tools: Tool[];
  /** The model's template knows thinking. */
  thinks: boolean;
}

/** Neighbours of one role are one message, but for answers of tools. */
function collate(messages: Message[]): Message[] {
  const collated: Message[] = [];
  for (const message of messages) {
    const before = collated.at(-1);
    if (before && before.role === message.role && message.role !== 'tool') {
      before.content = `${before.content ?? ''}\n\n${message.content ?? ''}`;
    } else collated.push({ ...message });
  }
  return collated;
}

/** The model's own tool call, as it is taught to write it. */
export const toolCallText = (name: string, args: string): string =>
  `<tool_call>\n{"name": "${name}", "arguments": ${args}}\n</tool_call>`;

export function renderPrompt({ messages, tools, thinks }: Conversation): string {
  const system = messages
    .flatMap(({ role, content }) => (role === 'system' ? [content ?? ''] : []))
    .join('\n\n');
  const names = tools.map((tool) => `${tool.function?.name ?? ''}\n`).join('');
  const head =
    system || tools.length > 0
      ? `<|im_start|>system\n${system}${tools.length > 0 ? `\n# Tools\n${names}` : ''}<|im_end|>\n`
      : '';
  const parts = collate(messages).map(({ role, content = '', thinking, tool_calls = [] }, index, all) => {
    const last = index === all.length - 1;
    if (role === 'assistant') {
      const thoughts = thinks && thinking ? `<think>\n${thinking}\n</think>\n\n` : '';
      const calls = tool_calls.map((call) =>
        toolCallText(call.function?.name ?? '', goStringify(call.function?.arguments ?? {})),
      );
      return `<|im_start|>assistant\n${thoughts}${content}${calls.join('')}${last ? '' : '<|im_end|>\n'}`;
    }
    const turn = last ? '<|im_start|>assistant\n' : '';
    if (role === 'user') return `<|im_start|>user\n${content}<|im_end|>\n${turn}`;
    if (role === 'tool') {
      return `<|im_start|>user\n<tool_response>${content}</tool_response><|im_end|>\n${turn}`;
    }
    return turn;
  });
  return head + parts.join('');
}
