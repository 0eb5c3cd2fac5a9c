/** Reads YAML into a plain value that remembers its lines. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { keyOf, type Path, type Problem } from './problems.js';

export interface YamlSource {
  value: unknown;
  /** Where a key stands, or the nearest section around it. */
  lineOf(path: Path): number | undefined;
  /** Errors of the syntax; the value means nothing where there are any. */
  problems: Problem[];
}

/** The parser's own messages repeat parts of the file, which has secrets in it. */
const MESSAGES: Partial<Record<YAMLError['code'], string>> = {
  BAD_DQ_ESCAPE: 'a backslash in double quotes means nothing here; expected single quotes or two backslashes',
  BAD_INDENT: 'the indentation is wrong or a bracket is open; expected the keys of a section in one column',
  BAD_SCALAR_START: 'a value begins with a character that YAML reserves; expected it in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a key stands where a value belongs; expected a line of its own, or the value in quotes',
  DUPLICATE_KEY: 'is there twice; expected it once',
  MISSING_CHAR: 'a character is missing; expected a closing quote or bracket, a comma, or a space',
  MULTILINE_IMPLICIT_KEY: 'a line is not KEY: VALUE; expected a colon and a space after the key',
  MULTIPLE_DOCS: 'a second document begins here; expected one document',
  TAB_AS_INDENT: 'a tab is used as indentation; expected spaces',
  TAG_RESOLVE_FAILED: 'a tag is not known; expected plain values',
};
const NOT_YAML = 'is not YAML; expected lines of KEY: VALUE';

export function readYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  const problems = syntaxProblems(document, lineAt);
  forgetEmptyValues(document);

  const source = {
    lineOf(path: Path) {
      const offset = offsetOf(document, path);
      return offset === undefined ? undefined : lineAt(offset);
    },
    problems,
  };
  if (problems.length > 0) return { ...source, value: undefined };
  try {
    return { ...source, value: document.toJS() ?? {} };
  } catch {
    const message = 'an alias has no anchor before it, or they unfold to too much; expected plain values';
    return { ...source, value: undefined, problems: [{ key: '', line: 1, message }] };
  }
}

/** Every doubled key, or else the first error: those after it mostly follow from it. */
function syntaxProblems(document: Document.Parsed, lineAt: (offset: number) => number): Problem[] {
  const errors: YAMLError[] = [...document.errors, ...document.warnings];
  const doubled = errors.filter((error) => error.code === 'DUPLICATE_KEY');
  const broken = errors.filter((error) => error.code !== 'DUPLICATE_KEY').slice(0, 1);
  return [...doubled, ...broken].map((error) => ({
    key: error.code === 'DUPLICATE_KEY' ? keyAt(document, error.pos[0]) : '',
    line: lineAt(error.pos[0]),
    message: MESSAGES[error.code] ?? NOT_YAML,
  }));
}

/** `server:` with nothing after it is a section left out. A `null` in words stays null, which limits know. */
function forgetEmptyValues(document: Document): void {
  visit(document, {
    Pair(_, { value }) {
      if (isScalar(value) && value.value === null && !value.source) value.value = undefined;
    },
  });
}

function keyAt(document: Document, offset: number): string {
  let found = '';
  visit(document, {
    Pair(_, pair, parents) {
      if (!isScalar(pair.key) || pair.key.range?.[0] !== offset) return;
      const keys = [...parents, pair].flatMap((node) =>
        'key' in node && isScalar(node.key) ? [node.key.value] : [],
      );
      found = keyOf(keys.map(String));
      return visit.BREAK;
    },
  });
  return found;
}

function offsetOf(document: Document, path: Path): number | undefined {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0];
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isSeq(node)) {
      node = node.items[Number(part)];
    } else if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (isScalar(pair?.key)) offset = pair.key.range?.[0];
      node = pair?.value;
      continue;
    }
    offset = rangeOf(node) ?? offset;
  }
  return offset;
}

const rangeOf = (node: unknown) =>
  isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
