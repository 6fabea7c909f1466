import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
} from 'yaml';

export interface SourceRange {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** From offsets in the source to lines and columns. */
export class SourceMap {
  readonly lines = new LineCounter();

  range(start: number, end: number): SourceRange {
    const from = this.lines.linePos(start);
    const to = this.lines.linePos(Math.max(start, end));
    return { line: from.line, column: from.col, endLine: to.line, endColumn: to.col };
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
        const pair = node.items.find((item) => isScalar(item.key) && item.key.value === step);
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
