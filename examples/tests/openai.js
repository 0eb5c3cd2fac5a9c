/** OpenAI's API as a function, for clients that take a `fetch`: no server, no socket, no model. */
import { readChatCompletion } from 'parallama/translate';

/** @param answer what the model says, whatever it is asked */
export function fetchThatSays(answer) {
  return async (_url, { body }) => {
    const exchange = readChatCompletion(JSON.parse(body));
    const context = { model: exchange.model, renamed: false, created: 0 };
    const said = { message: { role: 'assistant', content: answer }, done: false };
    const end = { done: true, done_reason: 'stop', prompt_eval_count: 9, eval_count: 4 };
    if (!exchange.stream) return Response.json(exchange.whole([{ value: { ...said, ...end } }], context));

    const encoder = exchange.encoder(context);
    const text =
      encoder.write(0, said) + encoder.write(0, { message: { content: '' }, ...end }) + encoder.end();
    return new Response(text, { headers: encoder.headers });
  };
}
