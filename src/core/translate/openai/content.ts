/** The content of an OpenAI message: a string or parts, made into one text and its media. */
import { MAX_PARTS } from '../bounds.js';
import {
  badValue,
  type Fields,
  missingField,
  pathOf,
  readItems,
  readObject,
  readString,
  readValue,
  wrongType,
} from '../validate.js';
import { audioData, imageData } from './media.js';

export interface Content {
  text: string;
  images: string[];
}

/** Two parts are two paragraphs, unless they bring their own space. */
function joined(texts: string[]): string {
  const spoken = texts.filter((text) => text !== '');
  return spoken
    .map((text, i) => (i === 0 || /\s$/.test(spoken[i - 1]!) || /^\s/.test(text) ? text : `\n${text}`))
    .join('');
}

function imageUrl(part: Fields): string {
  const value = readValue(part, 'image_url');
  if (value === undefined) throw missingField(pathOf(part, 'image_url'));
  if (typeof value === 'string') return imageData(value, pathOf(part, 'image_url'));
  const url = readString(readObject(part, 'image_url'), 'url');
  if (url === undefined) throw missingField(`${pathOf(part, 'image_url')}.url`);
  return imageData(url, `${pathOf(part, 'image_url')}.url`);
}

function audio(part: Fields): string {
  const data = readString(readObject(part, 'input_audio'), 'data');
  const param = `${pathOf(part, 'input_audio')}.data`;
  if (data === undefined) throw missingField(param);
  return audioData(data, param);
}

function text(part: Fields, key: string): string {
  const value = readString(part, key);
  if (value === undefined) throw missingField(pathOf(part, key));
  return value;
}

export type Part = Partial<{ text: string; image: string }>;

/** A part of a chat message. */
function readPart(part: Fields): Part {
  const type = readString(part, 'type');
  switch (type) {
    case 'text':
      return { text: text(part, 'text') };
    case 'refusal':
      return { text: text(part, 'refusal') };
    case 'image_url':
      return { image: imageUrl(part) };
    case 'input_audio':
      // Ollama takes audio where it takes images.
      return { image: audio(part) };
    case undefined:
      throw missingField(pathOf(part, 'type'));
    default:
      throw badValue(pathOf(part, 'type'), `parts of type "${type}" are not supported.`);
  }
}

/** A part of an item of a response's input: the same things under other names. */
function readItemPart(part: Fields): Part {
  const type = readString(part, 'type');
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { text: text(part, 'text') };
    case 'refusal':
      return { text: text(part, 'refusal') };
    case 'input_image':
      return { image: imageUrl(part) };
    case 'input_audio':
      return { image: audio(part) };
    case undefined:
      throw missingField(pathOf(part, 'type'));
    default:
      throw badValue(pathOf(part, 'type'), `parts of type "${type}" are not supported.`);
  }
}

/** One native message's content: texts joined in order, images in order. Undefined where there is none. */
export const readContent = (message: Fields) => readParts(message, 'content', readPart);

/** The same for an item of a response, whose tools answer in `output`. */
export const readItemContent = (item: Fields, key: 'content' | 'output') =>
  readParts(item, key, readItemPart);

function readParts(message: Fields, key: string, read: (part: Fields) => Part): Content | undefined {
  const content = readValue(message, key);
  if (content === undefined) return undefined;
  if (typeof content === 'string') return { text: content, images: [] };
  if (!Array.isArray(content))
    throw wrongType(pathOf(message, key), 'a string or an array of parts', content);
  if (content.length === 0) return undefined;
  const texts: string[] = [];
  const images: string[] = [];
  readItems(message, key, MAX_PARTS, (item) => {
    const { text, image } = read(item);
    if (text !== undefined) texts.push(text);
    if (image !== undefined) images.push(image);
  });
  return { text: joined(texts), images };
}
