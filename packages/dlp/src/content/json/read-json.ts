import { decodeJsonString } from './json-string.ts';

export interface JsonContainer {
  kind: 'object' | 'array';
  parent: JsonContainer | undefined;
  /** Key or index under which the parent holds it. */
  key: string;
  /** Keys from the root, `*` for every index: `/messages/*`; a slash inside a key is `~1` as in RFC 6901. */
  shape: string;
  /** JSON pointer (RFC 6901). */
  path: string;
  /** The scalars that tell what the object is, as in `type` and `index`, decoded. */
  fields: Map<string, string> | undefined;
}

export interface JsonLeaf {
  kind: 'string' | 'key' | 'number';
  /** What stands between the quotes, or the whole number: units of the source, half open. */
  start: number;
  end: number;
  /** Whether escapes have to be decoded. */
  escaped: boolean;
  container: JsonContainer | undefined;
  /** Key or index in the container, decoded; of a key its own text. */
  key: string;
}

export interface JsonDocument {
  /** In order of the source; duplicate keys each have theirs. */
  leaves: JsonLeaf[];
  /** Whether a strict parser would accept it. When not, `leaves` are those that could be made out. */
  valid: boolean;
  /** The first value, when it is an object or an array. */
  root: JsonContainer | undefined;
}

/** Objects and arrays below this level are read without structure: all their strings, none of their keys' meaning. */
const MAX_DEPTH = 128;
const TELLING = new Set([
  'type',
  'role',
  'index',
  'output_index',
  'content_index',
  'item_id',
  'thought',
  'done',
  'finish_reason',
  'finishReason',
]);
const SCALAR = /[-+.0-9A-Za-z]+/y;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;
/** Numbers that can be a card, an account or an identity number. */
const IDENTIFYING = /^[0-9]{8,19}$/;
const LITERALS = new Set(['true', 'false', 'null']);

type Expect = 'value' | 'key' | 'colon' | 'next';

/**
 * Finds every string, key and number worth scanning in a JSON text (or several, one after the other) together
 * with its place. It reads on after mistakes: what a strict parser refuses a lenient one may still send somewhere.
 * Linear in the source, without recursion.
 */
export function readJson(source: string): JsonDocument {
  const leaves: JsonLeaf[] = [];
  let root: JsonContainer | undefined;
  let container: JsonContainer | undefined;
  let depth = 0;
  let unstructured = 0;
  let expect: Expect = 'value';
  /** A value or a closing bracket may stand here: right after an opening one. */
  let fresh = false;
  let valid = true;
  let values = 0;
  let key = '';
  let index = 0;
  const indices: number[] = [];
  let backslash = source.indexOf('\\');

  const slot = () => (container?.kind === 'array' ? String(index) : key);
  const valueEnded = () => {
    if (expect !== 'value') valid = false;
    if (container === undefined) values++;
    expect = 'next';
    fresh = false;
  };

  for (let at = 0; at < source.length; ) {
    const unit = source.charCodeAt(at);
    if (unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09) {
      at++;
    } else if (unit === 0x22) {
      const start = at + 1;
      const end = closingQuote(source, start);
      if (end === source.length) valid = false;
      if (backslash !== -1 && backslash < start) backslash = source.indexOf('\\', start);
      const escaped = backslash !== -1 && backslash < end;
      const isKey = expect === 'key' && unstructured === 0;
      if (isKey) {
        key = escaped ? decodeJsonString(source.slice(start, end)) : source.slice(start, end);
        if (start < end) leaves.push({ kind: 'key', start, end, escaped, container, key });
        expect = 'colon';
        fresh = false;
      } else {
        if (start < end) leaves.push({ kind: 'string', start, end, escaped, container, key: slot() });
        if (container?.kind === 'object' && TELLING.has(key) && end - start < 128) {
          container.fields ??= new Map();
          container.fields.set(key, decodeJsonString(source.slice(start, end)));
        }
        if (unstructured === 0) valueEnded();
      }
      at = end + 1;
    } else if (unit === 0x7b || unit === 0x5b) {
      at++;
      if (unstructured > 0 || depth === MAX_DEPTH) {
        unstructured++;
        valid = false;
        continue;
      }
      if (expect !== 'value') valid = false;
      const kind = unit === 0x7b ? 'object' : 'array';
      const name = slot();
      const parent: JsonContainer | undefined = container;
      const pointer = name.replaceAll('/', '~1');
      const shape: string =
        parent === undefined ? '' : `${parent.shape}/${parent.kind === 'array' ? '*' : pointer}`;
      const path: string = parent === undefined ? '' : `${parent.path}/${pointer}`;
      container = { kind, parent, key: name, shape, path, fields: undefined };
      root ??= container;
      indices.push(index);
      index = 0;
      depth++;
      expect = kind === 'object' ? 'key' : 'value';
      fresh = true;
    } else if (unit === 0x7d || unit === 0x5d) {
      at++;
      if (unstructured > 0) {
        unstructured--;
        if (unstructured === 0) expect = 'next';
        continue;
      }
      const kind = unit === 0x7d ? 'object' : 'array';
      if (container?.kind !== kind) {
        valid = false;
        continue;
      }
      if (expect !== 'next' && !fresh) valid = false;
      container = container.parent;
      index = indices.pop() ?? 0;
      depth--;
      expect = 'value';
      valueEnded();
    } else if (unit === 0x2c || unit === 0x3a) {
      at++;
      if (unstructured > 0) continue;
      const colon = unit === 0x3a;
      if (expect !== (colon ? 'colon' : 'next') || container === undefined) valid = false;
      if (colon) {
        expect = 'value';
      } else {
        index++;
        expect = container?.kind === 'object' ? 'key' : 'value';
      }
      fresh = false;
    } else {
      SCALAR.lastIndex = at;
      const scalar = SCALAR.exec(source)?.[0];
      if (scalar === undefined) {
        valid = false;
        at++;
        continue;
      }
      const isNumber = NUMBER.test(scalar);
      if (!isNumber && !LITERALS.has(scalar)) valid = false;
      if (isNumber && IDENTIFYING.test(scalar)) {
        leaves.push({
          kind: 'number',
          start: at,
          end: at + scalar.length,
          escaped: false,
          container,
          key: slot(),
        });
      }
      if (container?.kind === 'object' && TELLING.has(key) && scalar !== 'null') {
        container.fields ??= new Map();
        container.fields.set(key, scalar);
      }
      if (unstructured === 0) valueEnded();
      at += scalar.length;
    }
    // A document after a document, as in NDJSON.
    if (container === undefined && expect === 'next') expect = 'value';
  }
  return { leaves, valid: valid && container === undefined && values > 0 && expect === 'value', root };
}

function closingQuote(source: string, from: number): number {
  for (let quote = source.indexOf('"', from); quote !== -1; quote = source.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (quote - 1 - slashes >= from && source.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote;
  }
  return source.length;
}

/** JSON pointer (RFC 6901) to a leaf, for people to find it. */
export function leafPath({ container, key }: JsonLeaf): string {
  return container === undefined ? '' : `${container.path}/${key.replaceAll('/', '~1')}`;
}

/** The leaf's keys with `*` for each index, as {@link JsonContainer.shape}. */
export function leafShape({ container, key }: JsonLeaf): string {
  if (container === undefined) return '';
  return `${container.shape}/${container.kind === 'array' ? '*' : key.replaceAll('/', '~1')}`;
}
