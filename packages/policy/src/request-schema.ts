import { z } from 'zod';
import type { PolicySnapshot } from './compile.ts';
import { toMicroDollars } from './condition.ts';
import { limitsFor } from './decide.ts';
import type { PolicyIssue } from './issue.ts';
import { readDocument } from './read-document.ts';
import { ACTIONS, type Action, type ActionRequest, type Balance } from './request.ts';
import { Instant } from './schema-parts.ts';

const text = z.string().max(4096);
const dollars = z.number().min(0);

const AgentShape = z
  .strictObject({
    id: text.default('').describe('Id of the AI agent.'),
    name: text.default('').describe('Name of the AI agent.'),
    user: text.default('').describe('Account that it runs as.'),
    libraries: z.array(text).default([]).describe('AI libraries that it uses.'),
    team: text.optional().describe('Its team.'),
    labels: z.record(z.string(), text).optional().describe('Its labels.'),
    trust: z.number().optional().describe('Its trust score, 0 to 1000.'),
  })
  .nullable()
  .describe('The AI agent; null where it could not be identified.');

const BalanceShape = z.strictObject({
  spent: dollars.describe('Settled in the running period, in dollars.'),
  reserved: dollars.default(0).describe('Promised to running calls, in dollars.'),
});

/** Every fact that a request can have; which of them an action needs is in {@link REQUIRED}. */
const Shape = z.strictObject({
  action: z.enum(ACTIONS).describe('What is asked about.'),
  at: Instant.optional().describe('When; now unless set.'),
  agent: AgentShape.optional(),
  identity: z.enum(['tpm', 'software']).nullable().optional().describe('How the device proves who it is.'),
  host: text.optional().describe('Host that is reached.'),
  port: z.int().min(0).max(65_535).optional().describe('Port; 443 unless set.'),
  address: text.nullable().optional().describe('IP address that is reached.'),
  localChoice: z
    .enum(['mapped', 'provider'])
    .optional()
    .describe('Why the configuration of the device accounts for a private address.'),
  provider: text.optional().describe('Model provider.'),
  model: text.nullable().optional().describe('Model; null where it could not be read.'),
  method: text.optional().describe('HTTP method.'),
  path: text.optional().describe('Path of the URL, the file or the device.'),
  cost: dollars.nullable().optional().describe('The most that the call can cost, in dollars.'),
  spent: z
    .strictObject({
      hour: dollars.optional().describe('This hour.'),
      day: dollars.optional().describe('This day.'),
      month: dollars.optional().describe('This month.'),
    })
    .optional()
    .describe('What the AI agent has spent, in dollars.'),
  balances: z
    .record(z.string(), BalanceShape)
    .optional()
    .describe('Counters of limits, by the id of the limit.'),
  deviceClass: text.nullable().optional().describe('Such as camera.'),
  command: text.optional().describe('Executable.'),
  arguments: z.array(text).nullable().optional().describe('Arguments of the command or tool.'),
  tool: text.optional().describe('Tool.'),
  server: text.nullable().optional().describe('MCP server.'),
  ecosystem: text.optional().describe('npm, pypi, …'),
  package: text.optional().describe('Package.'),
  version: text.nullable().optional().describe('Version of the package.'),
  ageDays: z.number().nullable().optional().describe('Days since the version was published.'),
  findings: z
    .array(z.strictObject({ class: text.describe('Category.'), detector: text.describe('Detector.') }))
    .nullable()
    .optional()
    .describe('Data that was found; null where it could not be scanned.'),
});
export type WrittenRequest = z.infer<typeof Shape>;

const REQUIRED: Record<Action, readonly (keyof WrittenRequest)[]> = {
  'network.connect': ['host'],
  'model.call': ['host', 'provider', 'model'],
  'file.read': ['path'],
  'file.write': ['path'],
  'file.delete': ['path'],
  'process.exec': ['command', 'arguments'],
  'device.open': ['path', 'deviceClass'],
  'tool.call': ['tool'],
  'package.install': ['ecosystem', 'package'],
  'data.out': ['findings'],
  'data.in': ['findings'],
};

/** A request as people write it in tests: with instants and dollars, and most of an AI agent left out. */
export const RequestShape = Shape.superRefine((request, context) => {
  for (const key of REQUIRED[request.action]) {
    if (request[key] === undefined) {
      const message = `\`${request.action}\` needs \`${key}\``;
      context.addIssue({ code: 'custom', message, path: ['action'] });
    }
  }
});

/** The request that an enforcement point would make. Balances are found by the id of their limit. */
export function toRequest(written: WrittenRequest, snapshot: PolicySnapshot): ActionRequest {
  const { at, cost, spent, balances, port, ...facts } = written;
  const request = {
    ...facts,
    ...(written.host === undefined ? {} : { port: port ?? 443 }),
    ...(at === undefined ? {} : { at: Date.parse(at) }),
    ...(typeof cost === 'number' ? { cost: toMicroDollars(cost) } : { cost }),
    ...(spent === undefined ? {} : { spent: inMicroDollars(spent) }),
    // What the action needs is there: REQUIRED was checked with the rest of the schema.
  } as unknown as ActionRequest;
  if (balances === undefined || request.action !== 'model.call') return request;
  const known: Record<string, Balance> = {};
  for (const { id, counter } of limitsFor(snapshot, request)) {
    const balance = Object.hasOwn(balances, id) ? balances[id] : undefined;
    if (balance === undefined) continue;
    known[counter] = { spent: toMicroDollars(balance.spent), reserved: toMicroDollars(balance.reserved) };
  }
  return { ...request, balances: known };
}

function inMicroDollars(spent: NonNullable<WrittenRequest['spent']>) {
  return Object.fromEntries(
    Object.entries(spent).map(([period, amount]) => [period, toMicroDollars(amount ?? 0)]),
  );
}

export type ParsedRequest =
  | { readonly ok: true; readonly request: WrittenRequest }
  | { readonly ok: false; readonly issues: readonly PolicyIssue[] };

/** Reads one request as people write it, in YAML or JSON; mistakes come with their place. */
export function parseRequest(source: string): ParsedRequest {
  const read = readDocument(source, RequestShape, () => z.toJSONSchema(RequestShape, { io: 'input' }));
  return read.ok ? { ok: true, request: read.data } : read;
}
