/** What clients of all languages ask the tiny models, and what these answer: beside python/conftest.py. */

/** The name of the mapping, and the model behind it. */
export const MODEL = 'gpt-4o';
export const NATIVE_MODEL = 'tiny';
export const THINKING_MODEL = 'tiny-think';
export const EMBEDDING_MODEL = 'tiny-embed';
/** Fails after a few tokens of each answer. */
export const BREAKING_MODEL = 'breaks';

export const GREETING = 'Hi! How can I help you today?';
export const ENDLESS = 'count from 1 to 10000';
export const ASK_WEATHER = 'What is the weather in Paris?';
export const ASK_TWICE = 'What is the weather in Paris and Rome?';
export const WEATHER = '18 C and sunny';
export const WEATHER_ANSWER = 'It is 18 C and sunny in Paris.';
export const ASK_JSON = 'Give me JSON about Paris';
export const ASK_THOUGHTS = 'What is 6 times 7? Think first';
