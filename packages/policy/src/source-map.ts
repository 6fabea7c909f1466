import { type Document, isMap, isNode, isPair, isScalar, isSeq, type Node, type Pair } from 'yaml';

export interface SourceRange {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** From offsets in a source to lines and columns. Offsets past the end are taken as the end. */
export class SourceMap {
  readonly #length: number;
  readonly #lineStarts: readonly number[];

  constructor(source: string) {
    const starts = [0];
    for (let at = source.indexOf('\n'); at !== -1; at = source.indexOf('\n', at + 1)) starts.push(at + 1);
    this.#length = source.length;
    this.#lineStarts = starts;
  }

  range(start: number, end: number): SourceRange {
    const from = this.#position(start);
    const to = this.#position(Math.max(start, end));
    return { line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
  }

  #position(offset: number): { line: number; column: number } {
    const at = Math.min(offset, this.#length);
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#lineStarts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - (this.#lineStarts[low] ?? 0) + 1 };
  }

  rangeOf(node: Node): SourceRange {
    const [start, end] = node.range ?? [0, 0];
    // A mapping is marked by its first key alone: marking a whole block says nothing.
    if (isMap(node) && !node.flow) {
      const first = keyNode(node.items[0]);
      if (first?.range) return this.range(first.range[0], first.range[1]);
    }
    return this.range(start, end);
  }

  /** Where a path is in the document: its key or its value; for what is missing, the nearest parent. */
  locate(document: Document, path: readonly PropertyKey[], at: 'key' | 'value'): SourceRange {
    let node: unknown = document.contents;
    let nearest: Node | undefined = document.contents ?? undefined;
    let key: Node | undefined;
    for (const step of path) {
      key = undefined;
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
        key = keyNode(pair);
        node = pair?.value;
      } else {
        node = isSeq(node) ? node.items[Number(step)] : undefined;
      }
      if (isNode(node)) nearest = node;
      else if (key !== undefined) nearest = key;
      else break;
    }
    const marked = at === 'key' && key !== undefined ? key : nearest;
    return marked === undefined ? this.range(0, 0) : this.rangeOf(marked);
  }
}

/** What stands at a path of plain data; `undefined` when nothing does. */
export function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

function keyNode(pair: Pair<unknown, unknown> | undefined): Node | undefined {
  return isPair(pair) && isNode(pair.key) ? pair.key : undefined;
}
