import { type ControlEntry, type ControlHead, EMPTY_CONTROL_CHAIN } from './control-entry.ts';
import type { FaultLog } from './fault-log.ts';

/** Holds the entries of the control plane to their chain. */
export class ControlRecord {
  readonly #faults: FaultLog;
  #head: ControlHead = EMPTY_CONTROL_CHAIN;
  #afterGap = false;
  count = 0;

  constructor(faults: FaultLog) {
    this.#faults = faults;
  }

  missing(): void {
    this.#afterGap = true;
  }

  entry(index: number, { id, prev }: ControlEntry, hash: string): void {
    const last = this.#head;
    const fault = (detail: string) => this.#faults.add({ code: 'control-chain', index, detail });
    if (this.#afterGap) {
      if (id <= last.id) fault(`Control entry ${id} comes after control entry ${last.id}.`);
    } else if (id !== last.id + 1) {
      fault(`Control entry ${last.id + 1} should be here, and there is ${id}.`);
    } else if (prev !== last.hash) {
      fault('It does not continue the control entry before it: that one was changed, or this one.');
    }
    this.#head = { id, hash };
    this.#afterGap = false;
    this.count += 1;
  }
}
