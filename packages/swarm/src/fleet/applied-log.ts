import { performance } from 'node:perf_hooks';
import type { StateKindName } from '../device/applied-state.ts';

/** When one device came how far with one revision: milliseconds since the epoch, with fractions. */
export interface AppliedAt {
  device: string;
  receivedAtMs: number;
  appliedAtMs: number;
}

/** Revisions per kind whose times are kept. */
const KEPT_REVISIONS = 16;

/** Comparable between processes of one machine; `Date.now()` has whole milliseconds only. */
export function preciseNowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Remembers when each device received and applied the newest revisions. */
export class AppliedLog {
  readonly #revisions = new Map<string, Map<string, AppliedAt>>();

  received(kind: StateKindName, revision: number, device: string): void {
    const entries = this.#entriesOf(kind, revision);
    if (!entries.has(device))
      entries.set(device, { device, receivedAtMs: preciseNowMs(), appliedAtMs: Number.NaN });
  }

  applied(kind: StateKindName, revision: number, device: string): void {
    const entry = this.#entriesOf(kind, revision).get(device);
    // The first APPLIED counts: a sweep may bring the same revision again.
    if (entry !== undefined && Number.isNaN(entry.appliedAtMs)) entry.appliedAtMs = preciseNowMs();
  }

  /** Devices that reported APPLIED for exactly this revision since this process started. */
  timesOf(kind: StateKindName, revision: number): AppliedAt[] {
    const entries = this.#revisions.get(`${kind}/${revision}`)?.values() ?? [];
    return [...entries].filter(({ appliedAtMs }) => !Number.isNaN(appliedAtMs));
  }

  #entriesOf(kind: StateKindName, revision: number): Map<string, AppliedAt> {
    const name = `${kind}/${revision}`;
    const known = this.#revisions.get(name);
    if (known !== undefined) return known;
    const created = new Map<string, AppliedAt>();
    this.#revisions.set(name, created);
    const ofKind = [...this.#revisions.keys()].filter((key) => key.startsWith(`${kind}/`));
    const [oldest] = ofKind;
    if (ofKind.length > KEPT_REVISIONS && oldest !== undefined) this.#revisions.delete(oldest);
    return created;
  }
}
