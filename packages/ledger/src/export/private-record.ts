import { fromBase64 } from '../note/base64.ts';
import { opensCommitment } from '../private-part.ts';
import type { FaultLog } from './fault-log.ts';
import type { LineCursor } from './line-cursor.ts';
import type { PrivateLine } from './lines.ts';

/** Holds opened private parts to the commitments of their entries; those that are missing were erased. */
export class PrivateRecord {
  readonly #parts: LineCursor<PrivateLine>;
  readonly #faults: FaultLog;
  opened = 0;
  erased = 0;

  constructor(parts: LineCursor<PrivateLine>, faults: FaultLog) {
    this.#parts = parts;
    this.#faults = faults;
  }

  async entry(index: number, commitment: string | undefined): Promise<void> {
    let part = await this.#parts.peek();
    while (part !== undefined && part.index < index) {
      this.#fault(part.index, 'A private part is of no entry that is here.');
      this.#parts.skip();
      part = await this.#parts.peek();
    }
    const opens = part?.index === index ? part : undefined;
    if (opens === undefined) {
      if (commitment !== undefined) this.erased += 1;
      return;
    }
    this.#parts.skip();
    if (
      commitment !== undefined &&
      opensCommitment(commitment, fromBase64(opens.content) ?? new Uint8Array())
    ) {
      this.opened += 1;
    } else {
      this.#fault(index, 'A private part is not the one that its entry commits to.');
    }
  }

  async finish(): Promise<void> {
    for await (const { index } of this.#parts.rest()) {
      this.#fault(index, 'A private part is of no entry that is here.');
    }
  }

  #fault(index: number, detail: string): void {
    this.#faults.add({ code: 'private-mismatch', index, detail });
  }
}
