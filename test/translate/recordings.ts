/** Reads what a real Ollama answered, from test/recordings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  collector,
  lineSplitter,
  type NativeChunk,
  parseChunk,
  type ReplyContext,
} from '../../src/core/translate/index.js';

const DIRECTORY = join(import.meta.dirname, '../recordings');

export interface Recording {
  name: string;
  request: { method: string; path: string; body: string };
  response: { status: number; headers: Record<string, string>; body: string };
}

export function recording(name: string): Recording {
  return JSON.parse(readFileSync(join(DIRECTORY, `${name}.json`), 'utf8')) as Recording;
}

/** Names such that all of `NAME.suffix` were recorded, with status 200. */
export function recorded(...suffixes: string[]): string[] {
  const first = `.${suffixes[0]}.json`;
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith(first))
    .map((file) => file.slice(0, -first.length))
    .filter((name) => suffixes.every((suffix) => existsSync(join(DIRECTORY, `${name}.${suffix}.json`))))
    .filter((name) => suffixes.every((suffix) => recording(`${name}.${suffix}`).response.status === 200));
}

export const requestOf = (name: string): unknown => JSON.parse(recording(name).request.body);
export const replyOf = (name: string): Record<string, unknown> => JSON.parse(recording(name).response.body);

export interface Line {
  chunk: NativeChunk;
  line: Buffer;
}

/** The lines of a native answer, cut into pieces at the given places first. */
export function linesOf(body: string | Buffer, cuts: number[] = []): Line[] {
  const bytes = Buffer.from(body);
  const splitter = lineSplitter();
  const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
  const lines = places.slice(1).flatMap((to, i) => splitter.push(bytes.subarray(places[i], to)));
  const rest = splitter.end();
  return [...lines, ...(rest ? [rest] : [])].map((line) => ({ chunk: parseChunk(line), line }));
}

export function collected(body: string | Buffer): NativeChunk {
  const whole = collector();
  for (const { chunk } of linesOf(body)) whole.write(chunk);
  return whole.value();
}

export const CONTEXT: ReplyContext = { model: 'tiny', renamed: false, created: 1_795_397_174 };

/** The data of an SSE stream, parsed; `[DONE]` stays a string. */
export function eventsOf(stream: string): unknown[] {
  return stream
    .split('\n\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => event.slice('data: '.length))
    .map((data): unknown => (data === '[DONE]' ? data : JSON.parse(data)));
}
