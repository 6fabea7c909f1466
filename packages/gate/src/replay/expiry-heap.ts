/** A binary heap: what expires first is at hand, whatever the order things come in. */
export class ExpiryHeap<T extends { readonly expires: number }> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = items[above];
      if (parent === undefined || parent.expires <= item.expires) break;
      items[at] = parent;
      at = above;
    }
    items[at] = item;
  }

  /** Takes out what expires first. */
  shift(): T | undefined {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [items[left], items[left + 1]];
      if (a === undefined) break;
      const [child, below] = b !== undefined && b.expires < a.expires ? [b, left + 1] : [a, left];
      if (last.expires <= child.expires) break;
      items[at] = child;
      at = below;
    }
    items[at] = last;
    return first;
  }
}
