import { readFile } from 'node:fs/promises';
import { RaypherError } from '@raypher/shared';
import { parseCliOptions, USAGE } from './cli-options.ts';
import { Swarm, type SwarmStats } from './swarm.ts';

const REPORT_MS = 10_000;

async function run(args: string[]): Promise<void> {
  const { tokenFile, directory, ...options } = parseCliOptions(args);
  const swarm = new Swarm({
    ...options,
    ...(directory === undefined ? {} : { directory }),
    token: await readToken(tokenFile),
  });
  const report = setInterval(() => console.log(describe(swarm.stats())), REPORT_MS);
  const stop = () => {
    clearInterval(report);
    void swarm.stop();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await swarm.start();
    console.log(describe(swarm.stats()));
  } catch (error) {
    stop();
    throw error;
  }
}

async function readToken(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new RaypherError('request/invalid', `The token file ${file} cannot be read.`, { cause });
  }
}

function describe(stats: SwarmStats): string {
  const { devices, enrolled, connected, refused, entries, waitingEntries } = stats;
  const turnedAway = refused === 0 ? '' : `, ${refused} turned away`;
  return `${connected} of ${devices} simulated devices connected (${enrolled} newly enrolled${turnedAway}), ${entries} ledger entries, ${waitingEntries} on their way`;
}

try {
  if (process.argv.includes('--help')) console.log(USAGE);
  else await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof RaypherError)) throw error;
  console.error(error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
  process.exitCode = error.exitCode;
}
