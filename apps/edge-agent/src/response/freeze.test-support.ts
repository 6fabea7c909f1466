import { readdirSync, readFileSync } from 'node:fs';
import type { ActiveFreeze } from '@raypher/shared';
import { parseStat } from '../discovery/stat.ts';
import type { FreezeReport, Freezer } from './freeze.ts';
import { ticksOf, until } from './spawned.test-support.ts';

/**
 * Freezes as the service does, which looks again: on a busy machine files that tell an AI agent can come too late for
 * one look, and somebody who is to stand still may be given no turn to do so for seconds.
 *
 * @returns the report of the look that found something; complete once all of it stands still
 */
export async function applyUntilFound(
  freezer: Freezer,
  freezes: readonly ActiveFreeze[],
): Promise<FreezeReport> {
  let report = await freezer.apply(freezes);
  await until('there is something to freeze', async () => {
    if (report.frozen === 0) report = await freezer.apply(freezes);
    return report.frozen > 0;
  });
  let { complete } = report;
  await until('it stands still', async () => {
    complete ||= (await freezer.sweep()).complete;
    return complete;
  });
  return { ...report, complete };
}

/** Processor time of a process that a signal stopped. Its state is that of its first thread; the others follow. */
export async function ticksOfStopped(process: { pid: number }): Promise<number> {
  await until('all its threads have stopped', () =>
    readdirSync(`/proc/${process.pid}/task`).every((thread) =>
      /[TtZ]/.test(parseStat(readFileSync(`/proc/${process.pid}/task/${thread}/stat`, 'utf8'))?.state ?? ''),
    ),
  );
  return ticksOf(process);
}
