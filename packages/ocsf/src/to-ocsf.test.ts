import { EventType, LedgerEntry, Severity, VerdictOutcome } from '@raypher/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { controlToOcsf } from './control-to-ocsf.ts';
import type { ExportContext } from './ocsf-event.ts';
import { testEvent } from './test-event.ts';
import { faultsOf } from './testing/check-event.ts';
import { EXAMPLES, example } from './testing/example-entries.ts';
import { readSchema } from './testing/ocsf-schema.ts';
import { toOcsf } from './to-ocsf.ts';

const schema = readSchema();
const CONTEXT: ExportContext = {
  index: 41,
  receivedAt: new Date('2026-11-30T20:00:01Z'),
  device: { hostname: 'dev-1', os: 'linux', agentVersion: '0.1.0' },
};

describe('an entry as an OCSF event', () => {
  it.each(EventType.options)('%s is valid OCSF 1.8', (type) => {
    const entry = LedgerEntry.parse(example(type));
    expect(faultsOf(toOcsf(entry, CONTEXT), schema)).toEqual([]);
  });

  it('has the same uid whoever sends it, and another one for every entry', () => {
    const [first, ...others] = EXAMPLES.map((entry) => toOcsf(entry, CONTEXT).metadata.uid);
    expect(new Set([first, ...others]).size).toBe(EXAMPLES.length);
    const later = { index: 99, receivedAt: new Date(), device: undefined };
    expect(EXAMPLES.map((entry) => toOcsf(entry, later).metadata.uid)).toEqual([first, ...others]);
  });

  it('tells a model call by its API, its model and its tokens', () => {
    expect(toOcsf(example('network.request'), CONTEXT)).toMatchObject({
      class_uid: 6003,
      activity_name: 'Call model',
      metadata: { profiles: ['host', 'security_control', 'ai_operation'], sequence: 41 },
      ai_model: { ai_provider: 'openai', name: 'gpt-4o' },
      message_context: { prompt_tokens: 120, completion_tokens: 40, total_tokens: 160 },
      http_request: {
        http_method: 'POST',
        url: { hostname: 'api.openai.com', path: '/v1/chat/completions' },
      },
      dst_endpoint: { hostname: 'api.openai.com', ip: '203.0.113.7', port: 443 },
      actor: { app_name: 'agent.py', process: { pid: 4711 }, user: { name: 'dev' } },
      disposition: 'Allowed',
      policy: { name: 'global policy', version: '7' },
    });
  });

  it('tells another request by its method', () => {
    const { provider: _, model: __, ...data } = example('network.request').data;
    expect(toOcsf({ ...example('network.request'), data }, CONTEXT)).toMatchObject({
      class_uid: 4002,
      activity_id: 6,
      type_uid: 400_206,
      http_response: { code: 200 },
      traffic: { bytes_in: 4096, bytes_out: 812 },
    });
  });

  it.each([
    ['network.tunnel', { action_id: 2, disposition_id: 2, activity_id: 5, status: 'Failure' }],
    ['guard.denied', { action_id: 2, disposition_id: 2, count: 4, is_alert: true }],
    ['dlp.found', { action_id: 4, disposition_id: 11, data_security: { category_id: 6 } }],
    ['approval.requested', { disposition: 'Challenge' }],
    ['approval.decided', { disposition: 'Approved' }],
    ['process.killed', { activity_id: 2, process: { pid: 4711, name: 'python3' } }],
    ['process.kill-refused', { status: 'Failure' }],
  ] as const)('%s says what became of it', (type, expected) => {
    expect(toOcsf(example(type), CONTEXT)).toMatchObject(expected);
  });

  it('calls it Detected, not Blocked, what monitor mode let through', () => {
    const { verdict, data, ...rest } = example('network.tunnel');
    const monitored = { ...rest, verdict: verdict && { ...verdict, mode: 'monitor' as const } };
    const event = toOcsf({ ...monitored, data: { ...data, denied: false, wouldBlock: true } }, CONTEXT);
    expect(event).toMatchObject({ action: 'Observed', disposition: 'Detected', activity_id: 1 });
  });

  it('loses no fact and says none twice', () => {
    for (const entry of EXAMPLES) {
      const text = JSON.stringify(toOcsf(entry, CONTEXT));
      for (const value of Object.values(entry.data).flat()) {
        expect(text, `${entry.type} ${String(value)}`).toContain(JSON.stringify(value).replaceAll('"', ''));
      }
    }
    expect(toOcsf(example('network.request'), CONTEXT).unmapped).toMatchObject({
      data: { denied: false, wouldBlock: false },
    });
  });

  it('is valid whatever an entry says', () => {
    fc.assert(
      fc.property(entries(), contexts(), (entry, context) => {
        expect(faultsOf(toOcsf(LedgerEntry.parse(entry), context), schema)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what the control plane did', () => {
  const base = { organisation: example('agent.started').organisation, id: 3, at: new Date(), index: 5 };

  it('is managed entities, with who by id alone', () => {
    const event = controlToOcsf({
      ...base,
      kind: 'audit',
      body: { audit: 9, action: 'policy.deploy', actor: { kind: 'user', id: 'u1' } },
    });
    expect(faultsOf(event, schema)).toEqual([]);
    expect(event).toMatchObject({
      class_uid: 3004,
      activity_name: 'Activate',
      actor: { user: { uid: 'u1' } },
      entity: { type: 'policy', type_id: 5 },
    });
  });

  it('is valid whatever it was', () => {
    const kind = fc.oneof(
      fc.constantFrom('audit', 'device-key', 'policy', 'freeze', 'command', 'log-key'),
      fc.string({ minLength: 1, maxLength: 20 }),
    );
    const body = fc.dictionary(
      fc.constantFrom('action', 'actor', 'audit', 'constructor', 'device'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(kind, body, (name, members) => {
        expect(faultsOf(controlToOcsf({ ...base, kind: name, body: members }), schema)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('a test of a destination is valid too', () => {
    expect(faultsOf(testEvent(base.organisation, base.organisation, new Date()), schema)).toEqual([]);
  });
});

/** Names that events look at, so that arbitrary values get everywhere. */
const NAMES = [
  'host',
  'port',
  'address',
  'method',
  'provider',
  'model',
  'status',
  'denied',
  'wouldBlock',
  'bytesSent',
  'bytesReceived',
  'durationMs',
  'inputTokens',
  'outputTokens',
  'count',
  'classes',
  'detectors',
  'direction',
  'outcome',
  'approval',
  'reason',
  'version',
  'constructor',
];

function entries(): fc.Arbitrary<LedgerEntry> {
  const text = (maxLength: number) =>
    fc
      .oneof(
        fc.constant(''),
        fc.string({ maxLength, unit: 'grapheme' }),
        fc.constantFrom('api.example', '::', '::1', '1.2.3.4', '1:2', 'GET', 'process 1 (x)'),
      )
      .map((value) => value.slice(0, maxLength));
  const value = fc.oneof(
    text(64),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.array(text(16), { maxLength: 4 }),
  );
  const verdict = fc.record({
    outcome: fc.constantFrom(...VerdictOutcome.options),
    mode: fc.constantFrom('enforce' as const, 'monitor' as const),
    layer: fc.constantFrom('global' as const, 'team' as const, 'local' as const, 'builtin' as const),
    rule: text(40),
    reason: text(60),
    revision: fc.nat(),
  });
  const actor = fc.record(
    {
      kind: fc.constantFrom(
        'ai-agent' as const,
        'edge-agent' as const,
        'user' as const,
        'control-plane' as const,
        'process' as const,
      ),
      id: text(64),
      name: text(64),
      pid: fc.nat(),
      user: text(32),
    },
    { requiredKeys: ['kind', 'id', 'name'] },
  );
  return fc.record(
    {
      v: fc.constant(1 as const),
      organisation: fc.uuid(),
      device: fc.uuid(),
      seq: fc.integer({ min: 1 }),
      prev: fc.constant('0'.repeat(64)),
      at: fc
        .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
        .map((at) => at.toISOString()),
      type: fc.constantFrom(...EventType.options),
      severity: fc.constantFrom(...Severity.options),
      actor,
      action: text(64),
      target: text(64),
      verdict,
      data: fc.dictionary(fc.constantFrom(...NAMES), value, { noNullPrototype: true }),
    },
    {
      requiredKeys: [
        'v',
        'organisation',
        'device',
        'seq',
        'prev',
        'at',
        'type',
        'severity',
        'actor',
        'action',
        'target',
        'data',
      ],
    },
  );
}

function contexts(): fc.Arbitrary<ExportContext> {
  return fc.record(
    {
      index: fc.nat(),
      receivedAt: fc.date({ noInvalidDate: true }),
      device: fc.record({ hostname: fc.string(), os: fc.string(), agentVersion: fc.string() }),
    },
    { requiredKeys: ['index', 'receivedAt'] },
  );
}
