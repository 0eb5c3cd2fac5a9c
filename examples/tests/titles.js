/** The code of an app, as it would be without any tests in mind: it only gets its client from outside. */

/** A title of a few words for a text. */
export async function titleFor(openai, text) {
  const { choices } = await openai.chat.completions.create({
    model: 'gpt-4',
    messages: [{ role: 'user', content: `Give a title to: ${text}` }],
    max_tokens: 20,
  });
  return choices[0].message.content.trim();
}

/** The title word by word, as it comes. */
export async function* titleWords(openai, text) {
  const stream = await openai.chat.completions.create({
    model: 'gpt-4',
    messages: [{ role: 'user', content: `Give a title to: ${text}` }],
    stream: true,
  });
  for await (const { choices } of stream) {
    const word = choices[0]?.delta.content;
    if (word) yield word;
  }
}
