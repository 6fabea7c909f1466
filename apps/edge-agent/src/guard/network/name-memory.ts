/** Addresses remembered of one group: more than a program talks to at a time. */
const MAX_ADDRESSES = 4096;
const MAX_GROUPS = 1024;

/** Under which names the AI agents of a group learnt addresses, so that an address can be called by its name. */
export class NameMemory {
  readonly #groups = new Map<bigint, Map<string, string>>();

  remember(group: bigint, name: string, addresses: readonly string[]): void {
    const known = this.#groups.get(group) ?? new Map<string, string>();
    this.#groups.set(group, known);
    for (const address of addresses) {
      // The latest name counts, and is forgotten last.
      known.delete(address);
      known.set(address, name);
      dropFirst(known, MAX_ADDRESSES);
    }
    dropFirst(this.#groups, MAX_GROUPS);
  }

  /** @returns undefined when the group did not ask for a name that leads there */
  nameOf(group: bigint, address: string): string | undefined {
    return this.#groups.get(group)?.get(address);
  }

  forget(group: bigint): void {
    this.#groups.delete(group);
  }
}

/** A map keeps the order of insertion. */
function dropFirst(map: Map<unknown, unknown>, most: number): void {
  const [first] = map.keys();
  if (map.size > most) map.delete(first);
}
