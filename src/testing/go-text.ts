/** JSON and quotes as Go writes them. */

const UNSAFE = /[<>&\u2028\u2029]/g;

/** Go's json.Marshal: keys in the order given, and `<`, `>`, `&`, U+2028 and U+2029 escaped. */
export function goStringify(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Go's %q of a text. */
export const goQuote = (text: string): string => JSON.stringify(text);
