import type { Edit } from './edit.ts';
import { decodeJsonString, escapeJsonString, jsonStringOffsets } from './json/json-string.ts';
import type { JsonContainer, JsonDocument, JsonLeaf } from './json/read-json.ts';
import { leafPath } from './json/read-json.ts';
import { isRedactable, type PartRole, type Place, type Visitor } from './part.ts';
import { leafRole } from './provider-shapes.ts';

export interface JsonWalk {
  visitor: Visitor;
  /** Looks into a decoded string: {@link walkText} one level down. */
  text: (text: string, place: Place) => Edit[];
  /** Set for JSON inside of another text: its leaves are what that text is. */
  within?: Place;
}

/** Hands the strings, keys and identifying numbers of a JSON text to the visitor. @returns edits of the source */
export function walkJson(source: string, document: JsonDocument, walk: JsonWalk): Edit[] {
  const edits: Edit[] = [];
  for (const leaf of document.leaves) {
    if (walk.visitor.isFull?.() === true) break;
    edits.push(...walkLeaf(source, leaf, walk));
  }
  return edits;
}

function walkLeaf(source: string, leaf: JsonLeaf, { visitor, text: walkString, within }: JsonWalk): Edit[] {
  const raw = source.slice(leaf.start, leaf.end);
  const role = within?.role ?? leafRole(leaf);
  const path = `${within?.path ?? ''}${leafPath(leaf)}`;
  if (leaf.kind === 'number') {
    const edits = visitor.text({ ...labelled(path, role, leaf), text: raw });
    // A placeholder is no number: it takes the whole place, in quotes.
    const [first] = edits;
    return first === undefined
      ? []
      : [{ start: leaf.start, end: leaf.end, text: `"${escapeJsonString(first.text)}"` }];
  }
  const text = leaf.escaped ? decodeJsonString(raw) : raw;
  const edits =
    leaf.kind === 'key'
      ? visitor.text({ path, role: isRedactable(role) ? 'key' : role, text })
      : walkString(text, labelled(path, role, leaf));
  return edits.length === 0 ? [] : leafEdits(raw, leaf.start, edits);
}

/** Edits of a decoded string as edits of the JSON source around it. */
export function leafEdits(raw: string, start: number, edits: readonly Edit[]): Edit[] {
  const offsets = jsonStringOffsets(raw);
  return edits.map((edit) => ({
    start: start + offsets(edit.start),
    end: start + offsets(edit.end),
    text: escapeJsonString(edit.text),
  }));
}

/** Keys that say nothing about what the text behind them is. */
const NEUTRAL = new Set([
  'content',
  'text',
  'input',
  'output',
  'arguments',
  'data',
  'value',
  'prompt',
  'type',
  'name',
  'id',
  'description',
]);

/** Keys that only together with the one above them tell whose it is. */
const OF_SOMEBODY = new Set(['email', 'mail', 'e-mail']);

function holderOf({ key, parent }: JsonContainer): string {
  const holder = parent?.kind === 'array' ? parent.key : key;
  return holder === '' ? '' : `${holder}.`;
}

function labelled(path: string, role: PartRole, { container, key }: JsonLeaf): Place {
  // An item of a list has the name of the list; an address or a name is of what holds it: `author.email`.
  const own = container?.kind === 'array' ? container.key : key;
  const label = OF_SOMEBODY.has(own) && container ? `${holderOf(container)}${own}` : own;
  return container === undefined || label === '' || NEUTRAL.has(label)
    ? { path, role }
    : { path, role, label };
}
