import { RaypherError } from '@raypher/shared';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { Cgroups } from '../response/cgroup.ts';
import { type KillReport, killTree } from '../response/kill.ts';
import type { Protection } from '../response/protected.ts';
import { asRaypherError } from '../uplink/desired-state.ts';

/** Ends process trees and keeps the record, refusals included. */
export class ProcessKiller {
  readonly #protection: Protection;
  readonly #cgroups: Cgroups | undefined;
  readonly #record: (event: EventDraft) => void;

  constructor(protection: Protection, cgroups: Cgroups | undefined, record: (event: EventDraft) => void) {
    this.#protection = protection;
    this.#cgroups = cgroups;
    this.#record = record;
  }

  /**
   * @param startTime of the process that is meant; another one under the same pid is left alone
   * @throws RaypherError `process/protected`, `process/gone`, `process/permission`
   */
  async kill(
    pid: number,
    startTime: number | undefined,
    actor: EventDraft['actor'],
    reason: string,
  ): Promise<KillReport> {
    let report: KillReport;
    try {
      report = await killTree(pid, {
        protection: this.#protection,
        cgroups: this.#cgroups,
        ...(startTime === undefined ? {} : { startTime }),
      });
    } catch (error) {
      const { code, message } = asRaypherError(error);
      this.#record({
        type: 'process.kill-refused',
        severity: 'warning',
        actor,
        action: 'kill',
        target: `process ${pid}`,
        data: { code, why: message, reason },
      });
      throw error;
    }
    this.#record({
      type: 'process.killed',
      severity: 'notice',
      actor,
      action: 'kill',
      target: `process ${pid} (${report.root.name})`,
      data: {
        reason,
        method: report.method,
        killed: report.killed.length,
        processes: report.killed.map((member) => `${member.pid} ${member.name}`),
        survivors: report.survivors.length,
        spared: report.spared.map((member) => `${member.pid} ${member.name}: ${member.reason}`),
        severed: report.severed,
        connections: report.connections,
        notSevered: report.notSevered,
        durationMs: Math.round(report.durationMs),
      },
    });
    if (report.survivors.length > 0) {
      throw new RaypherError('process/permission', `${report.survivors.length} processes survived.`, {
        hint: 'The service may lack the right to end them.',
        details: { survivors: report.survivors },
      });
    }
    return report;
  }
}

/** Numbers of a signed command's arguments. */
export function numberArgument(value: unknown, name: string): number {
  // The console shows start times as text: they are 64-bit numbers on the wire.
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
  throw new RaypherError('request/invalid', `The command lacks a number \`${name}\`.`);
}
