import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import type { BpfMap } from '../../native/libbpf.ts';
import { MAX_GROUPS, uint32, uint64 } from './layout.ts';

/** The number by which the kernel programs know the group of an AI agent. */
export class GroupNumbers {
  readonly #folder: string;
  readonly #groups: BpfMap;
  readonly #byName = new Map<string, { number: number; cgroupId: bigint }>();

  /**
   * @param folder the product's part of the control-group hierarchy
   * @param groups the map from control group to number; what is in it is taken over
   */
  constructor(folder: string, groups: BpfMap) {
    this.#folder = folder;
    this.#groups = groups;
    this.#takeOver();
  }

  /** @throws RaypherError `internal/unexpected` when there is no such control group, or no number left */
  numberOf(name: string): number {
    const known = this.#byName.get(name);
    if (known !== undefined) return known.number;
    const path = join(this.#folder, name);
    if (!existsSync(path))
      throw new RaypherError('internal/unexpected', `There is no control group ${path}.`);
    const cgroupId = statSync(path, { bigint: true }).ino;
    const number = this.#free();
    this.#groups.set(uint64(cgroupId), uint32(number));
    this.#byName.set(name, { number, cgroupId });
    return number;
  }

  nameOf(number: number): string | undefined {
    return this.names().find((name) => this.#byName.get(name)?.number === number);
  }

  names(): string[] {
    return [...this.#byName.keys()];
  }

  /** @returns the number that is free again */
  forget(name: string): number | undefined {
    const known = this.#byName.get(name);
    if (known === undefined) return undefined;
    this.#byName.delete(name);
    this.#groups.delete(uint64(known.cgroupId));
    return known.number;
  }

  #takeOver(): void {
    const names = existsSync(this.#folder) ? readdirSync(this.#folder, { withFileTypes: true }) : [];
    for (const entry of names.filter((each) => each.isDirectory())) {
      const cgroupId = statSync(join(this.#folder, entry.name), { bigint: true }).ino;
      const number = this.#groups.get(uint64(cgroupId))?.readUInt32LE();
      if (number !== undefined) this.#byName.set(entry.name, { number, cgroupId });
    }
    const alive = new Set([...this.#byName.values()].map(({ cgroupId }) => cgroupId));
    for (const key of this.#groups.keys()) if (!alive.has(key.readBigUInt64LE())) this.#groups.delete(key);
  }

  #free(): number {
    const taken = new Set([...this.#byName.values()].map(({ number }) => number));
    for (let number = 1; number < MAX_GROUPS; number++) if (!taken.has(number)) return number;
    throw new RaypherError('internal/unexpected', `More than ${MAX_GROUPS - 1} AI agents run at once.`);
  }
}
