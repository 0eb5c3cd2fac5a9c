/** A chat in OpenAI's dialect, as every kind of work sends it. */

export const bearer = (key) => (key === undefined ? {} : { authorization: `Bearer ${key}` });

export const chatBody = ({ content = 'Hello!', ...rest } = {}) =>
  JSON.stringify({
    model: 'gpt-3.5-turbo',
    messages: [{ role: 'user', content }],
    max_tokens: 10,
    ...rest,
  });

export function chatRequest(subject, options) {
  return {
    path: `${subject.openai}/chat/completions`,
    headers: { ...bearer(subject.key), ...subject.headers },
    body: chatBody(options),
  };
}

/** How many pieces of text a stream of events has. */
export const spokenIn = (text) => text.match(/"content":"[^"]/g)?.length ?? 0;
