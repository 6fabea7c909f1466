import { parseArgs } from 'node:util';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';

export const USAGE = `Simulated devices for demonstrations and load. They are marked as simulated wherever they appear.

  node packages/swarm/dist/main.js --server URL --token-file FILE [options]

  --server URL               https origin of the control plane
  --token-file FILE          holds an enrolment token that may be used for every new device
  --devices N                how many (20)
  --seed TEXT                the same seed behaves the same (demo)
  --events-per-second R      model calls of the whole fleet (1)
  --connects-per-second R    the ramp (200)
  --data-dir DIR             remembers identities and ledgers for the next start
  --apply-delay-ms A[-B]     how long the simulated enforcers need (0)
  --drop-per-minute P        probability that a device's connection breaks (0)

  node packages/swarm/dist/main.js --server https://127.0.0.1:8443 --token-file token --devices 200`;

export interface CliOptions {
  server: URL;
  tokenFile: string;
  devices: number;
  seed: string;
  eventsPerSecond: number;
  connectsPerSecond: number;
  directory: string | undefined;
  applyDelayMs: [number, number];
  dropPerMinute: number;
}

const Flags = z.object({
  server: z.url({ protocol: /^https$/, error: 'an https URL is needed' }),
  'token-file': z.string({ error: 'a file with an enrolment token is needed' }).min(1),
  devices: z.coerce.number().int().min(1).max(100_000).default(20),
  seed: z.string().min(1).max(64).default('demo'),
  'events-per-second': z.coerce.number().min(0).max(100_000).default(1),
  'connects-per-second': z.coerce.number().min(0.1).max(10_000).default(200),
  'data-dir': z.string().optional(),
  'apply-delay-ms': z
    .string()
    .regex(/^\d{1,6}(-\d{1,6})?$/, 'one number, or two with a dash')
    .default('0'),
  'drop-per-minute': z.coerce.number().min(0).max(1).default(0),
});

/** @throws RaypherError `request/invalid` naming the flag */
export function parseCliOptions(args: string[]): CliOptions {
  const flags = Flags.safeParse(readFlags(args));
  if (!flags.success) {
    const [issue] = flags.error.issues;
    throw invalid(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`);
  }
  const { data } = flags;
  const [least = 0, most = least] = data['apply-delay-ms'].split('-').map(Number);
  return {
    server: new URL(data.server),
    tokenFile: data['token-file'],
    devices: data.devices,
    seed: data.seed,
    eventsPerSecond: data['events-per-second'],
    connectsPerSecond: data['connects-per-second'],
    directory: data['data-dir'],
    applyDelayMs: [least, most],
    dropPerMinute: data['drop-per-minute'],
  };
}

function readFlags(args: string[]): Record<string, unknown> {
  const options = Object.fromEntries(
    Object.keys(Flags.shape).map((name) => [name, { type: 'string' }] as const),
  );
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function invalid(message: string): RaypherError {
  return new RaypherError('request/invalid', message, { hint: 'Run it with --help to see what it takes.' });
}
