import { parseArgs } from 'node:util';
import { printResult, printTable } from '../../bench/lib/report.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { type Outcome, Season } from './season.ts';
import { World } from './world/world.ts';

const DEFAULT_DEVICES = 150;
/** A fleet of the default size is let in within about three seconds by two links. */
const ADMISSION_SHARE = 6;

async function run(names: readonly string[], devices: number, seed: string): Promise<number> {
  const chosen = SCENARIOS.filter(({ name }) => names.includes('all') || names.includes(name));
  const unknown = names.find((name) => name !== 'all' && !SCENARIOS.some((known) => known.name === name));
  if (unknown !== undefined) {
    console.error(`There is no weather "${unknown}". Run it without a name to see what there is.`);
    return 2;
  }
  const world = await World.start({
    admissionsPerSecond: Math.max(10, Math.ceil(devices / ADMISSION_SHARE)),
  });
  const season = new Season(world, { devices, seed });
  const outcomes: Outcome[] = [];
  const skipped: string[] = [];
  try {
    await world.deploy();
    for (const scenario of chosen) {
      if (scenario.needsDisk === true && world.disk === undefined) {
        skipped.push(`${scenario.name} was not run: it needs the right to mount a file system.`);
        continue;
      }
      console.log(`  ${scenario.name.padEnd(18)} ${scenario.what}`);
      const outcome = await season.run(scenario);
      outcomes.push(outcome);
      const endings = outcome.endings.map(([code, count]) => `${count} × ${code}`).join(', ');
      if (endings !== '') console.log(`  ${''.padEnd(18)} connections ended: ${endings}`);
      for (const fault of outcome.faults) console.log(`  ${''.padEnd(18)} FAILED: ${fault}`);
    }
    if (outcomes.some(({ faults }) => faults.length > 0))
      console.log(`  What the processes wrote is in ${await world.keepLogs()}.`);
  } finally {
    await season.end();
    await world.stop();
  }
  report(outcomes, skipped);
  return outcomes.length > 0 && outcomes.every(({ faults }) => faults.length === 0) ? 0 : 1;
}

function report(outcomes: readonly Outcome[], skipped: readonly string[]): void {
  console.log();
  printTable(
    [
      'weather',
      'devices',
      'entries',
      'lost',
      'duplicated',
      'altered',
      'refused',
      'reconnects',
      'peak admissions/s',
      'recovery s',
      'verdict',
    ],
    outcomes.map((outcome) => [
      outcome.scenario,
      outcome.devices,
      outcome.entries,
      outcome.lost,
      outcome.duplicated,
      outcome.altered,
      outcome.refused,
      outcome.reconnects,
      outcome.peakPerSecond,
      outcome.recoverySeconds ?? 'never',
      outcome.faults.length === 0 ? 'passed' : 'FAILED',
    ]),
  );
  console.log();
  for (const line of skipped) console.log(`  ${line}`);
  const sum = (pick: (outcome: Outcome) => number) => outcomes.reduce((total, each) => total + pick(each), 0);
  printResult({
    bench: 'weather',
    figures: {
      scenarios: outcomes.length,
      passed: outcomes.filter(({ faults }) => faults.length === 0).length,
      skipped: skipped.length,
      devices: outcomes[0]?.devices ?? 0,
      entries_compared: sum(({ entries }) => entries),
      lost: sum(({ lost }) => lost),
      duplicated: sum(({ duplicated }) => duplicated),
      max_recovery_s: Math.max(0, ...outcomes.map(({ recoverySeconds }) => recoverySeconds ?? Infinity)),
    },
    ratios: {},
  });
}

// The processes end with us, and the small disk is let go at the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const USAGE = 'Run one, several or all: npm run weather -- NAME… | all [--devices N] [--seed TEXT]';

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: {
      devices: { type: 'string', default: String(DEFAULT_DEVICES) },
      seed: { type: 'string', default: 'weather' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

async function main(): Promise<number> {
  let given: ReturnType<typeof readArguments>;
  try {
    given = readArguments();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = given;
  if (values.help || positionals.length === 0) {
    for (const { name, what } of SCENARIOS) console.log(`  ${name.padEnd(18)} ${what}`);
    console.log(`\n${USAGE}`);
    return 0;
  }
  const devices = Number(values.devices);
  if (!Number.isInteger(devices) || devices < 10) {
    console.error(`--devices takes a whole number from 10 on.\n${USAGE}`);
    return 2;
  }
  return run(positionals, devices, values.seed);
}

process.exitCode = await main();
