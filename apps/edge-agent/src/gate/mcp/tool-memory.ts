import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writePrivateFile } from '../../identity/private-file.ts';

const Known = z.record(z.string(), z.string());

/** Tools of one server that are remembered; a server that names ever new ones fills no disk. */
const MOST_TOOLS = 2_000;

/** How the tools of one MCP server described themselves when they were first seen, by hashes, across runs. */
export class ToolMemory {
  readonly #path: string;
  readonly #known: Map<string, string>;

  constructor(path: string) {
    this.#path = path;
    this.#known = load(path);
  }

  /**
   * Compares definitions with the first ones that were seen, and remembers new tools.
   *
   * @returns tools that describe themselves in another way now; each change once
   */
  compare(
    tools: readonly { name: string; definition: unknown }[],
  ): { name: string; before: string; after: string }[] {
    const changed: { name: string; before: string; after: string }[] = [];
    let isNew = false;
    for (const { name, definition } of tools) {
      const after = createHash('sha256')
        .update(JSON.stringify(sorted(definition)))
        .digest('hex');
      const before = this.#known.get(name);
      if (before === after || (before === undefined && this.#known.size >= MOST_TOOLS)) continue;
      if (before !== undefined) changed.push({ name, before, after });
      this.#known.set(name, after);
      isNew = true;
    }
    if (isNew) writePrivateFile(this.#path, `${JSON.stringify(Object.fromEntries(this.#known))}\n`);
    return changed;
  }
}

function load(path: string): Map<string, string> {
  try {
    return new Map(Object.entries(Known.parse(JSON.parse(readFileSync(path, 'utf8')))));
  } catch {
    // None yet, or damaged: then what is seen now is what was seen first.
    return new Map();
  }
}

/** The order of names in an object means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  );
}
