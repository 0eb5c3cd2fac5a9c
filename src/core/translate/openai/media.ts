/** Images and audio of OpenAI's message parts, as the bare base64 that Ollama takes. */
import { badValue } from '../validate.js';

const DATA_URL = /^data:([^,]*),/i;
const BASE64 = /^([A-Za-z0-9+/]+)=*$/;

/** Without whitespace and with its padding: clients are careless with both, Go is strict. */
function normalised(base64: string, param: string): string {
  const [, digits] = BASE64.exec(base64.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/')) ?? [];
  if (digits === undefined || digits.length % 4 === 1) throw badValue(param, 'must hold base64 data.');
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, '=');
}

/**
 * The data of an image URL. Only data URLs: fetching what a client names would let it reach into the server's
 * network.
 */
export function imageData(url: string, param: string): string {
  if (/^https?:/i.test(url)) {
    throw badValue(param, 'image URLs are not supported, send the image as a base64 data URL.');
  }
  const [head, mediaType = ''] = DATA_URL.exec(url) ?? [];
  if (head === undefined) throw badValue(param, 'must be a base64 data URL.');
  const [type = '', ...parameters] = mediaType.toLowerCase().split(';');
  if (parameters.at(-1)?.trim() !== 'base64') throw badValue(param, 'must be a base64 data URL.');
  if (type !== '' && !type.startsWith('image/')) throw badValue(param, 'must be an image.');
  return normalised(url.slice(head.length), param);
}

/** The data of an `input_audio` part, which is bare base64, or a data URL in careless hands. */
export function audioData(data: string, param: string): string {
  return normalised(data.replace(DATA_URL, ''), param);
}
