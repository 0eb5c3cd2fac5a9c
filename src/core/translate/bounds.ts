/**
 * How many of each thing a request may have. They are far beyond what clients send, and each is checked before the
 * things themselves are looked at.
 */
import { INT32 } from './validate.js';

/** Messages, or items of a response's input, of one conversation. */
export const MAX_MESSAGES = 16_384;
/** Parts of one message's content. */
export const MAX_PARTS = 4_096;
/** Calls of one message. */
export const MAX_TOOL_CALLS = 1_024;
export const MAX_TOOLS = 4_096;
/** Images of one message or prompt. */
export const MAX_IMAGES = 1_024;
/** Texts to embed in one request: OpenAI's own bound. */
export const MAX_INPUTS = 2_048;
/** The same for Ollama, which has no bound of its own. */
export const MAX_NATIVE_INPUTS = 16_384;
/** Tokens of a conversation so far, as `context` has them. */
export const MAX_CONTEXT = 1_048_576;
/** Texts that end an answer: OpenAI's own bound, and one for Ollama. */
export const MAX_STOPS = 4;
export const MAX_NATIVE_STOPS = 64;
/** Words such as `text`, of which a list has a few: `include`, `modalities`. */
export const MAX_WORDS = 64;

/** Choices of one request: each is a generation of its own. */
export const MAX_CHOICES = 8;
/** Prompts of one completion: each is a generation of its own. */
export const MAX_PROMPTS = 128;

/** Tokens of an answer. Ollama counts in 32 bits; 0 and less mean "no limit" to it. */
export const OUTPUT_TOKENS = { min: 1, max: INT32.max };
/** Each choice adds its number to the seed. */
export const SEED = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER - MAX_CHOICES };
/** What a model's server holds in 32 bits. */
export const FLOAT32 = { min: -3.4e38, max: 3.4e38 };
/** Numbers of an embedding. */
export const DIMENSIONS = { min: 0, max: 65_536 };
/** Seconds: more than Go's durations have room for is no time. */
export const KEEP_ALIVE = { min: -9e9, max: 9e9 };
/** Characters of a duration such as `1h30m`. */
export const MAX_DURATION = 64;
/** Characters of a model's name: host, namespace, name and tag have 350 at most in Ollama. */
export const MAX_MODEL_NAME = 1_024;
