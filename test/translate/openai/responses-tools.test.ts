import { describe, expect, it } from 'vitest';
import { readResponse } from '../../../src/core/translate/index.js';
import { CONTEXT } from '../recordings.js';

const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } } };
const read = (fields: object) => readResponse({ model: 'm', input: 'a', ...fields });
const namesOf = (fields: object) =>
  (read(fields).calls[0]!.request.tools as { function: { name: string } }[] | undefined)?.map(
    (tool) => tool.function.name,
  );
const calling = (name: string, args: object) => ({
  message: { role: 'assistant', content: '', tool_calls: [{ function: { name, arguments: args } }] },
  done: true,
  done_reason: 'stop',
});
const bad = (param: string) => expect.objectContaining({ status: 400, param });

/** As Codex sends them. */
const TOOLS = [
  { type: 'function', name: 'shell', parameters: PARAMETERS, strict: false },
  { type: 'custom', name: 'apply_patch', description: 'Patch', format: { type: 'grammar', syntax: 'lark' } },
  { type: 'namespace', name: 'mcp__x', tools: [{ type: 'function', name: 'other', parameters: PARAMETERS }] },
  { type: 'web_search', external_web_access: true },
  { type: 'image_generation' },
  { type: 'mcp', server_label: 'x', server_url: 'https://example.com' },
  { type: 'local_shell' },
  { type: 'odd\r\nx: y' },
];

describe('tools of a response', () => {
  it('are functions where the client can run them; the others are left out and named', () => {
    expect(namesOf({ tools: TOOLS })).toEqual(['shell', 'apply_patch', 'other']);
    expect(read({ tools: TOOLS }).warning).toBe(
      '299 - "tools left out: web_search, image_generation, mcp, local_shell, unknown"',
    );
    expect(namesOf({ tools: [{ type: 'web_search' }] })).toBeUndefined();
    expect(read({ tools: [TOOLS[0]] }).warning).toBeUndefined();
  });

  it.each([
    [{ tool_choice: { type: 'web_search' } }, 'tool_choice.type'],
    [{ tool_choice: 'required', tools: [{ type: 'web_search' }] }, 'tool_choice'],
    [{ tools: [{}] }, 'tools[0].type'],
    [{ tools: [{ type: 'custom' }] }, 'tools[0].name'],
  ])('are 400 where they are demanded or wrong: %j', (fields, param) => {
    expect(() => read({ tools: TOOLS, ...fields })).toThrow(bad(param));
  });

  it('are chosen by name, whatever their kind', () => {
    expect(namesOf({ tools: TOOLS, tool_choice: { type: 'custom', name: 'apply_patch' } })).toEqual([
      'apply_patch',
    ]);
  });

  it('give a free text back to those that took one, and their namespace to those that had one', () => {
    const exchange = read({ tools: TOOLS });
    const whole = (name: string, args: object) =>
      exchange.whole([{ value: calling(name, args) }], CONTEXT) as { output: object[] };
    expect(whole('apply_patch', { input: '*** Begin' }).output).toMatchObject([
      { type: 'custom_tool_call', name: 'apply_patch', input: '*** Begin', status: 'completed' },
    ]);
    expect(whole('other', { city: 'Paris' }).output).toMatchObject([
      { type: 'function_call', name: 'other', namespace: 'mcp__x', arguments: '{"city":"Paris"}' },
    ]);
    const encoder = exchange.encoder(CONTEXT);
    const stream = encoder.write(0, calling('apply_patch', { input: 'p' })) + encoder.end();
    expect(stream).toContain('event: response.custom_tool_call_input.delta\n');
    expect(stream).toContain('event: response.custom_tool_call_input.done\n');
    expect(stream).not.toContain('function_call');
  });

  it('are replayed with their text', () => {
    const input = [
      { role: 'user', content: 'Patch it.' },
      { type: 'custom_tool_call', call_id: 'c1', name: 'apply_patch', input: 'p' },
      { type: 'custom_tool_call_output', call_id: 'c1', output: 'done' },
    ];
    expect(read({ input, tools: TOOLS }).calls[0]!.request.messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ function: { name: 'apply_patch', arguments: { input: 'p' } } }] },
      { role: 'tool', tool_name: 'apply_patch', content: 'done' },
    ]);
  });
});
