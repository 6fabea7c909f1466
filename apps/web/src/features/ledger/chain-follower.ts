import { GENESIS_HASH } from '@raypher/ledger';
import type { LedgerEntryView } from '@raypher/shared/rest';
import { z } from 'zod';

const Linked = z.object({ organisation: z.string(), prev: z.string() });
const DeviceLink = Linked.extend({ device: z.string(), seq: z.number() });
const ControlLink = Linked.extend({ entry: z.literal('control'), id: z.number() });

interface Head {
  number: number;
  /** Null: its bytes are not there, so nobody can say. */
  hash: string | null;
}

/** Follows the chain of each device and that of the control plane through a log. */
export class ChainFollower {
  readonly #organisation: string;
  readonly #heads = new Map<string, Head>();

  constructor(organisation: string) {
    this.#organisation = organisation;
  }

  /** An entry whose bytes are not there. */
  skip({ device, control, hash }: Pick<LedgerEntryView, 'device' | 'control' | 'hash'>): void {
    const chain = device?.id ?? 'control';
    const number = device?.seq ?? control?.id;
    if (number !== undefined) this.#heads.set(chain, { number, hash });
  }

  /**
   * @param entry exact bytes as text
   * @param hash SHA-256 of them, hex
   * @returns what is wrong with its place in its chain
   */
  follow(entry: string, hash: string): string | undefined {
    const link = readLink(entry);
    if (link === undefined) return 'It is not a ledger entry.';
    const { chain, number, prev, organisation } = link;
    const before = this.#heads.get(chain) ?? { number: 0, hash: GENESIS_HASH };
    this.#heads.set(chain, { number, hash });
    if (organisation !== this.#organisation) return 'It is of another organisation.';
    if (number !== before.number + 1) {
      return `Its chain jumps from ${before.number} to ${number}: entries in between are missing.`;
    }
    if (before.hash !== null && prev !== before.hash)
      return 'It does not continue the entry before it in its chain.';
    return undefined;
  }
}

function readLink(
  entry: string,
): { chain: string; number: number; prev: string; organisation: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(entry);
  } catch {
    return undefined;
  }
  const control = ControlLink.safeParse(value);
  if (control.success) return { chain: 'control', number: control.data.id, ...control.data };
  const device = DeviceLink.safeParse(value);
  if (device.success) return { chain: device.data.device, number: device.data.seq, ...device.data };
  return undefined;
}
