/**
 * Just enough HTTP/1.1 for the load generator and for the upstream, which must cost less than what is measured: one
 * message at a time on a connection, with a length or in chunks, without trailers.
 */
const HEAD_END = '\r\n\r\n';
/** Line ends inside JSON and events are escaped or single, so that this ends a message in chunks and is nothing else. */
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');

/**
 * Takes the bytes of a connection as they come.
 * @param onMessage called with the head and, where `keepBody`, the body (chunks still in their frames)
 */
export function messageReader({ keepBody = false, onMessage }) {
  let head;
  let text = '';
  let missing = 0;
  let tail = Buffer.alloc(0);
  let body = [];

  function end() {
    const message = { head, body: keepBody ? Buffer.concat(body) : undefined };
    head = undefined;
    text = '';
    tail = Buffer.alloc(0);
    body = [];
    onMessage(message);
  }

  function readBody(bytes) {
    if (keepBody) body.push(bytes);
    if (missing !== undefined) {
      missing -= bytes.length;
      if (missing <= 0) end();
      return;
    }
    tail = bytes.length < LAST_CHUNK.length ? Buffer.concat([tail, bytes]) : bytes;
    tail = tail.subarray(-LAST_CHUNK.length);
    if (tail.equals(LAST_CHUNK)) end();
  }

  return (bytes) => {
    if (head !== undefined) {
      readBody(bytes);
      return;
    }
    const before = text.length;
    text += bytes.latin1Slice();
    const at = text.indexOf(HEAD_END);
    if (at < 0) return;
    head = text.slice(0, at);
    missing = lengthOf(head);
    // Two bytes of the head's end stay: an answer may have no chunk but the last.
    const start = at + HEAD_END.length - before;
    if (missing === undefined) tail = Buffer.from('\r\n');
    if (start < bytes.length || missing === 0) readBody(bytes.subarray(start));
  };
}

/** Undefined where it comes in chunks. */
function lengthOf(head) {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length) return Number(length[1]);
  return /\r\ntransfer-encoding: *chunked/i.test(head) ? undefined : 0;
}

/** A message in chunks, each given piece a chunk of its own. */
export const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
export const END_OF_CHUNKS = '0\r\n\r\n';

/** The bytes of a request, made once and sent often. */
export function requestBytes({ method = 'POST', path, host, headers = {}, body = '' }) {
  const lines = Object.entries({
    host,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}
