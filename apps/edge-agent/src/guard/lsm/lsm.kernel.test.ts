import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootGuest, type GuestRun } from '../../testing/guest/boot-guest.ts';
import { buildGuestImage } from '../../testing/guest/guest-image.ts';
import { fetchKernel } from '../../testing/guest/kernel-package.ts';
import { missingForGuests } from '../../testing/guest/missing-for-guests.ts';
import type { AttemptOutcome } from '../testing/attempt-runner.ts';
import { ATTEMPTS } from '../testing/attempts.ts';
import { GUARD_CASES, type GuestRecord } from './testing/cases.ts';

/** Debian 12's own kernel, and the newer one that it offers. */
const SERIES = ['6.1', '6.12'];
const PACKAGE = join(import.meta.dirname, '..', '..', '..');
const CACHE = join(PACKAGE, '..', '..', 'node_modules', '.cache', 'raypher-guests');
const OBJECT = join(PACKAGE, 'dist', 'bpf', 'guard.bpf.o');
/** A guest takes a minute; one that waits for what does not come is ended, and what it printed is shown. */
const BOOT_TIMEOUT_MS = 240_000;
const OUTCOMES = join(import.meta.dirname, '..', 'testing', 'outcomes');

interface Report {
  readonly run: GuestRun;
  readonly cases: ReadonlyMap<string, Extract<GuestRecord, { kind: 'case' }>>;
  readonly attempts: ReadonlyMap<string, AttemptOutcome>;
}

const missing = missingForGuests(OBJECT);
const reports = new Map<string, Report>();
if (missing === undefined) {
  mkdirSync(CACHE, { recursive: true });
  const image = join(CACHE, 'lsm.img');
  const source = (name: string): string => join(import.meta.dirname, 'testing', `${name}.ts`);
  await buildGuestImage(image, {
    programs: {
      suite: source('guest-suite'),
      inside: source('inside'),
      agent: source('agent-process'),
      attempt: join(import.meta.dirname, '..', 'testing', 'attempt.ts'),
    },
    files: { '/guest/guard.bpf.o': OBJECT },
    tools: ['/bin/dash', '/usr/bin/unshare', '/usr/bin/setsid'],
    main: 'suite',
  });
  for (const series of SERIES) {
    const run = await bootGuest(fetchKernel(series, CACHE), image, BOOT_TIMEOUT_MS);
    // What comes here is what the suite inside printed.
    const records = run.records as GuestRecord[];
    reports.set(series, {
      run,
      cases: new Map(records.flatMap((record) => (record.kind === 'case' ? [[record.name, record]] : []))),
      attempts: new Map(
        records.flatMap((record) => {
          if (record.kind !== 'attempt') return [];
          const outcome = record.outcome as AttemptOutcome;
          return [[outcome.id, outcome]];
        }),
      ),
    });
  }
  if (process.env.RAYPHER_WRITE_OUTCOMES === '1') recordOutcomes();
} else {
  process.stderr.write(`\nKERNEL GUARD NOT TESTED: ${missing}\n\n`);
}

describe.each(SERIES)('the guard in Linux %s', (series) => {
  test.for(GUARD_CASES)('%s', (name, context) => {
    if (missing !== undefined) return context.skip(missing);
    const report = reports.get(series);
    const found = report?.cases.get(name);
    expect(found, `not reported by the guest:\n${report?.run.console.slice(-3000)}`).toBeDefined();
    expect(found?.passed, found?.detail).toBe(true);
  });

  test.for(ATTEMPTS)('$id ends as recorded: $tries', ({ id }, context) => {
    if (missing !== undefined) return context.skip(missing);
    const report = reports.get(series);
    const outcome = report?.attempts.get(id);
    expect(outcome, `not reported by the guest:\n${report?.run.console.slice(-3000)}`).toBeDefined();
    if (outcome?.outcome === 'not applicable') return context.skip(outcome.because);
    const recorded = recordedOutcomes(series).find((one) => one.id === id);
    expect(outcome?.outcome, JSON.stringify(outcome)).toBe(recorded?.outcome);
  });
});

function fileOf(series: string): string {
  return join(OUTCOMES, `lsm-${series}.json`);
}

function recordedOutcomes(series: string): AttemptOutcome[] {
  // What is there is what `recordOutcomes` wrote.
  return existsSync(fileOf(series))
    ? (JSON.parse(readFileSync(fileOf(series), 'utf8')) as AttemptOutcome[])
    : [];
}

function recordOutcomes(): void {
  for (const [series, { attempts }] of reports) {
    writeFileSync(fileOf(series), `${JSON.stringify([...attempts.values()], null, 2)}\n`);
  }
}
