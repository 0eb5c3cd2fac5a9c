/**
 * What the simulated models say. They know the dialogs of the tiny models by heart, count as far as they
 * are told, call tools and fill schemas, and answer everything else with a sentence made of the prompt.
 * The same prompt always has the same answer.
 */
import { exampleOf, factsOf } from './schema-example.js';
import type { Message, Tool } from './shapes.js';
import { toolCallText } from './template.js';
import { callsFor, spacedJson } from './tools.js';

const GREETING = 'Hi! How can I help you today?';
const PARIS = { city: 'Paris', country: 'France', population: 2102650, tags: ['capital', 'Seine'] };

const POEM = `In silent circuits thoughts take flight,
A web of numbers, day and night.
It reads our words, it learns our ways,
And answers in a thousand ways.

No heart it has, no beating drum,
Yet from our voices it has come.
A mirror made of all we wrote,
It sings our own song, note for note.`;

const STORY =
  ' there was a small server in a cold cellar. It had one fan, two cables and a great many questions ' +
  'to answer. Every morning the people of the house came with new ones. What is the weather? Who wrote ' +
  'this book? Why does my code not compile? The server listened to each of them in turn, and it never ' +
  'answered two at once. One day a stranger came with a thousand questions, and the others had to ' +
  'wait. So the people built a gate. At the gate stood a keeper with a book, and in the book was a ' +
  'line for each of them. Whoever had asked enough could come back in the next hour. The stranger ' +
  'complained, but the keeper only smiled and pointed at the clock. From then on everybody got an ' +
  'answer, and the small server hummed quietly in its cellar. The end.';

const PROGRAM = `Here is a program:

\`\`\`python
def main():
    print("Hello, world!")


if __name__ == "__main__":
    main()
\`\`\`

It prints one line.`;

const SKY =
  'The sky is blue because of Rayleigh scattering. Sunlight contains all colors, and the small ' +
  'molecules of the air scatter short blue waves much more than long red ones. When we look up, ' +
  'scattered blue light reaches our eyes from every direction.';

const SCRIPTS =
  'Grüße aus Köln! 漢字とかな, Ελληνικά, עברית, العربية, नमस्ते, 😀 👨‍👩‍👧‍👦 🏳️‍🌈 e\u0301 — “quotes” … ' +
  '<b>&amp;</b> \\n "end"';

const SPECIALS =
  'Line one\nLine two\ttab \u2028 separator \u2029 \u0085 <script>alert("x")</script> data: [DONE] ' +
  '\\u0000 end';

/** By the user's message. */
const BY_HEART: Record<string, string> = {
  'Hello!': GREETING,
  Hello: GREETING,
  'Say hello': GREETING,
  'Tell me more': 'I am a very small model. I know only a few sentences by heart.',
  'Write a poem about AI': POEM,
  'Tell me a story': `Once upon a time${STORY}`,
  'Write a hello world program in Python': PROGRAM,
  'Why is the sky blue?': SKY,
  'What is 17 plus 25?': '17 plus 25 is 42.',
  'Say nothing': '',
  'Say something in many scripts': SCRIPTS,
  'Show me special characters': SPECIALS,
  'Give me JSON about Paris': spacedJson(PARIS),
  'What is 6 times 7? Think first':
    '<think>\n6 times 7: 6 times 5 is 30, 6 times 2 is 12, together 42.\n</think>\n\nThe answer is 42.',
};

/** By the user's message, where the tool is offered. */
const CALLS_BY_HEART: Record<string, string> = {
  'Check the weather in Oslo': `Let me look that up.\n${toolCallText('get_weather', '{"city": "Oslo"}')}`,
  'What is the weather in Rome?': toolCallText(
    'get_weather',
    '{"city": "Rome", "unit": "celsius", "days": 3}',
  ),
};

/** What a model says that got nothing to read, something it cannot read, or only the end of it. */
const CONFUSED = {
  // It said 17 in two tokens, though there is one for it.
  nothing: [
    '1, 1',
    '7, 4arguments, 12, 11, 12, 15, 21, 2, 3 35, 35, 3 a, 16, 54, 55, 56, 33, 34, 33, 35, 37, 38, 4.',
  ],
  image: ['In silent circuit":\n</tool_call>'],
  cut: ['time] "6 scatter] 3a006] in'],
};

export interface Prompted {
  messages: Message[];
  tools: Tool[];
  /** What the model knows beside its dialogs. */
  answers: Record<string, string>;
  sees: boolean;
  /** It was asked for thoughts, and has them. */
  thinks: boolean;
  /** The prompt did not fit and has lost its beginning. */
  cut: boolean;
  /** `json`, or a schema. */
  format?: 'json' | Record<string, unknown>;
}

const PIRATE = { system: 'You are a pirate.', says: 'Ahoy, matey! What brings ye to my ship?' };

function counted(prompt: string): string | undefined {
  const [, from, to] = /\bcount from (\d{1,6}) to (\d{1,6})\b/i.exec(prompt) ?? [];
  const length = Number(to) - Number(from) + 1;
  if (!(length > 0 && length <= 10_000)) return undefined;
  return `${Array.from({ length }, (_, index) => Number(from) + index).join(', ')}.`;
}

function excerpt(text: string): string {
  const words = text.trim().split(/\s+/);
  return words.length > 12 ? `${words.slice(0, 12).join(' ')} …` : words.join(' ');
}

/** An answer to anything. */
function sentence(prompt: string): string {
  const said = excerpt(prompt);
  if (said === '') return 'I have nothing to answer.';
  return `You said: "${said}". I am a simulated model and know only a few dialogs by heart.`;
}

function toolAnswer(messages: Message[]): string {
  const result = messages.at(-1)?.content ?? '';
  const call = messages.findLast(({ tool_calls }) => tool_calls && tool_calls.length > 0)?.tool_calls?.at(-1);
  const { city } = call?.function?.arguments ?? {};
  if (typeof city === 'string') return `It is ${result} in ${city}.`;
  const name = messages.at(-1)?.tool_name ?? call?.function?.name ?? 'tool';
  return `The answer of ${name} is ${result}.`;
}

function formatted(format: 'json' | Record<string, unknown>, prompt: string): string {
  const known = prompt === 'Give me JSON about Paris' ? PARIS : undefined;
  if (format === 'json') return spacedJson(known ?? { answer: sentence(prompt) });
  const { city, country } = known ?? {};
  return spacedJson(exampleOf(format, factsOf(prompt, { city, country })));
}

/** Prompts may be called as Object's properties are. */
const own = (table: Record<string, string>, prompt: string) =>
  Object.hasOwn(table, prompt) ? table[prompt] : undefined;

function sensible({ messages, tools, answers, sees, thinks, format }: Prompted): string {
  const last = messages.findLast(({ role }) => role === 'user');
  const prompt = (last?.content ?? '').trim();
  const system = messages.find(({ role }) => role === 'system')?.content;
  const images = last?.images?.length ?? 0;
  if (format) return formatted(format, prompt);
  if (messages.at(-1)?.role === 'tool') return toolAnswer(messages);
  if (images > 0 && sees)
    return `I see ${images === 1 ? 'an image' : `${images} images`}. ${sentence(prompt)}`;

  const called =
    tools.some(({ function: tool }) => tool?.name === 'get_weather') && own(CALLS_BY_HEART, prompt);
  const calls = called || callsFor(prompt, tools);
  if (calls) return calls;
  if (prompt === 'Hello!' && system === PIRATE.system) return PIRATE.says;
  const known = own(answers, prompt) ?? own(BY_HEART, prompt) ?? counted(prompt);
  if (known !== undefined) return known;
  const thoughts = thinks ? `<think>\nThe user says: ${excerpt(prompt)}\n</think>\n\n` : '';
  return thoughts + sentence(prompt);
}

const ROLES = ['system', 'user', 'assistant', 'tool'];

/**
 * The model's words, its thoughts between think tags and its tool calls between their own. No token
 * reaches over the pieces.
 */
export function answerTo(prompted: Prompted): string[] {
  const { messages, sees, cut, format } = prompted;
  const last = messages.findLast(({ role }) => role === 'user');
  if (cut) return CONFUSED.cut;
  if (!messages.some(({ role = '' }) => ROLES.includes(role))) return CONFUSED.nothing;
  if (!format && !sees && messages.at(-1) === last && (last?.images ?? []).length > 0) return CONFUSED.image;
  return [sensible(prompted)];
}

/** How a raw prompt goes on. */
export function continuationOf(prompt: string): string {
  return prompt.trim() === 'Once upon a time' ? STORY : (counted(prompt) ?? ` ${sentence(prompt)}`);
}

/** The letter that a raw prompt has again and again, and its model too. */
export function repeatedIn(prompt: string): string | undefined {
  return /^([a-z])\1{7,}$/.exec(prompt)?.[1];
}

/** What belongs between a prompt and a suffix. */
export function infillOf(prompt: string, suffix: string): string {
  const [, parameters] = /def \w+\(([^)]*)\):\s*$/.exec(prompt) ?? [];
  if (parameters !== undefined) return `return ${parameters.split(/\s*,\s*/).join(' + ')}`;
  return `something between ${excerpt(prompt)} and ${excerpt(suffix)}`;
}
