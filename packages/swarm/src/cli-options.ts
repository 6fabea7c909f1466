import { parseArgs } from 'node:util';
import { LINK_TRANSPORTS, type LinkTransport, RaypherError } from '@raypher/shared';
import { z } from 'zod';
import {
  type DeviceBehaviour,
  PROTOCOL_AGES,
  type Range,
  TRAIT_NAMES,
  TRAITS,
} from './device/device-behaviour.ts';
import { RAMP_KINDS, type RampKind } from './fleet/ramp.ts';

const RangeText = z
  .string()
  .regex(/^\d{1,6}(-\d{1,6})?$/, 'one number, or two with a dash')
  .transform((text): Range => {
    const [least = 0, most = least] = text.split('-').map(Number);
    return [least, most];
  });

const KINDS = {
  range: { shape: 'A[-B]', parse: RangeText },
  share: { shape: 'P', parse: z.coerce.number().min(0).max(1) },
  amount: { shape: 'N', parse: z.coerce.number().min(0).max(1e9) },
  protocol: { shape: 'WHICH', parse: z.enum(PROTOCOL_AGES) },
} as const;

const TRAIT_LINES = TRAIT_NAMES.map((name) => {
  const { flag, kind, about } = TRAITS[name];
  return `  ${`--${flag} ${KINDS[kind].shape}`.padEnd(26)} ${about}`;
});

export const USAGE = `Simulated devices for demonstrations and load. They are marked as simulated wherever they appear.

  node packages/swarm/dist/main.js --server URL --token-file FILE [options]

  --server URL               https origin of the control plane
  --token-file FILE          holds an enrolment token that may be used for every new device
  --devices N                how many (20)
  --seed TEXT                the same seed decides the same (demo)
  --events-per-second R      model calls of the whole fleet (1)
  --connects-per-second R    new connections at most (200)
  --ramp KIND                how they grow to that: ${RAMP_KINDS.join(', ')} (steady)
  --ramp-seconds S           how long that takes (30)
  --transport NAME           what carries the links: ${LINK_TRANSPORTS.join(', ')} (grpc)
  --data-dir DIR             remembers identities and ledgers for the next start

How the devices behave: well, unless told otherwise. P is a probability per case, 0 to 1.

${TRAIT_LINES.join('\n')}

  node packages/swarm/dist/main.js --server https://127.0.0.1:8443 --token-file token --devices 200`;

export interface CliOptions {
  server: URL;
  tokenFile: string;
  devices: number;
  seed: string;
  eventsPerSecond: number;
  connectsPerSecond: number;
  ramp: { kind: RampKind; seconds: number };
  directory: string | undefined;
  transport: LinkTransport;
  behaviour: Partial<DeviceBehaviour>;
}

const Flags = z.object({
  server: z.url({ protocol: /^https$/, error: 'an https URL is needed' }),
  'token-file': z.string({ error: 'a file with an enrolment token is needed' }).min(1),
  devices: z.coerce.number().int().min(1).max(100_000).default(20),
  seed: z.string().min(1).max(64).default('demo'),
  'events-per-second': z.coerce.number().min(0).max(100_000).default(1),
  'connects-per-second': z.coerce.number().min(0.1).max(10_000).default(200),
  ramp: z.enum(RAMP_KINDS).default('steady'),
  'ramp-seconds': z.coerce.number().min(0.1).max(3_600).default(30),
  'data-dir': z.string().optional(),
  transport: z.enum(LINK_TRANSPORTS).default('grpc'),
});

const TraitFlags = z.object(
  Object.fromEntries(
    TRAIT_NAMES.map((name) => [TRAITS[name].flag, KINDS[TRAITS[name].kind].parse.optional()] as const),
  ),
);

/** @throws RaypherError `request/invalid` naming the flag */
export function parseCliOptions(args: string[]): CliOptions {
  const given = readFlags(args);
  const data = valid(Flags, given);
  const traits = valid(TraitFlags, given);
  const behaviour = Object.fromEntries(
    TRAIT_NAMES.flatMap((name) => {
      const value = traits[TRAITS[name].flag];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return {
    server: new URL(data.server),
    tokenFile: data['token-file'],
    devices: data.devices,
    seed: data.seed,
    eventsPerSecond: data['events-per-second'],
    connectsPerSecond: data['connects-per-second'],
    ramp: { kind: data.ramp, seconds: data['ramp-seconds'] },
    directory: data['data-dir'],
    transport: data.transport,
    behaviour,
  };
}

function valid<T extends z.ZodType>(schema: T, given: Record<string, unknown>): z.infer<T> {
  const flags = schema.safeParse(given);
  if (flags.success) return flags.data;
  const [issue] = flags.error.issues;
  throw invalid(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`);
}

function readFlags(args: string[]): Record<string, unknown> {
  const options = Object.fromEntries(
    [...Object.keys(Flags.shape), ...Object.keys(TraitFlags.shape)].map(
      (name) => [name, { type: 'string' }] as const,
    ),
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
