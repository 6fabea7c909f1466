import { EventType, type LedgerEntry } from '@raypher/shared';

const ORGANISATION = '6d9f2f6e-0c53-4c1f-9f0a-1f3f6c0a0001';
const DEVICE = '6d9f2f6e-0c53-4c1f-9f0a-1f3f6c0a0002';
type Part = Partial<Omit<LedgerEntry, 'type'>>;

const AGENT: LedgerEntry['actor'] = {
  kind: 'ai-agent',
  id: 'a'.repeat(64),
  name: 'agent.py',
  pid: 4711,
  user: 'dev',
};
const EDGE: LedgerEntry['actor'] = { kind: 'edge-agent', id: '', name: 'raypher' };
const DENIED: LedgerEntry['verdict'] = {
  outcome: 'DENY',
  mode: 'enforce',
  layer: 'global',
  rule: 'no-uploads',
  reason: 'Uploads are not allowed.',
  revision: 7,
};
const ALLOWED: LedgerEntry['verdict'] = { ...DENIED, outcome: 'ALLOW', rule: 'models', reason: 'Allowed.' };

/** Entries as the edge agent writes them. What is not said here is the same for all. */
const PARTS: Readonly<Record<EventType, Part>> = {
  'agent.started': { action: 'start', target: 'raypher', data: { version: '0.1.0', boot: 'b1' } },
  'agent.stopped': { action: 'stop', target: 'raypher', data: { version: '0.1.0', reason: 'SIGTERM' } },
  'device.enrolled': { action: 'enrol', target: 'dev-1', data: { identityClass: 'hardware' } },
  'discovery.appeared': {
    actor: AGENT,
    action: 'appear',
    target: '/usr/bin/python3',
    data: { confidence: 'full' },
  },
  'discovery.changed': {
    actor: AGENT,
    action: 'change',
    target: '/usr/bin/python3',
    data: { changed: ['code'] },
  },
  'discovery.vanished': { actor: AGENT, action: 'vanish', target: '/usr/bin/python3' },
  'network.request': {
    actor: AGENT,
    action: 'call',
    target: 'api.openai.com/v1/chat/completions',
    verdict: ALLOWED,
    data: {
      host: 'api.openai.com',
      port: 443,
      address: '203.0.113.7',
      method: 'POST',
      provider: 'openai',
      model: 'gpt-4o',
      status: 200,
      denied: false,
      wouldBlock: false,
      bytesSent: 812,
      bytesReceived: 4096,
      durationMs: 930,
      inputTokens: 120,
      outputTokens: 40,
    },
  },
  'network.tunnel': {
    actor: AGENT,
    severity: 'warning',
    action: 'open tunnel',
    target: 'example.com:22',
    verdict: DENIED,
    data: { host: 'example.com', port: 22, denied: true, bytesSent: 0, bytesReceived: 0 },
  },
  'network.uninspected': {
    actor: AGENT,
    action: 'look into a connection',
    target: 'pinned.example:443',
    data: { host: 'pinned.example', port: 443, reason: 'trust', times: 3 },
  },
  'interception.root': { action: 'make', target: 'root certificate', data: { fingerprint: 'ab'.repeat(32) } },
  'connection.cut': {
    actor: { kind: 'user', id: 'u1', name: 'Ada' },
    action: 'end connection',
    target: 'example.com/upload',
    data: { connection: 'c1', reason: 'it leaks', bytesSent: 9, bytesReceived: 0 },
  },
  'dlp.found': {
    actor: AGENT,
    severity: 'critical',
    action: 'send',
    target: 'api.openai.com/v1/chat/completions',
    verdict: DENIED,
    data: {
      direction: 'out',
      host: 'api.openai.com',
      outcome: 'redact',
      wouldBlock: false,
      detectors: ['openai-api-key'],
      classes: ['credential'],
      count: 1,
    },
  },
  'approval.requested': {
    actor: AGENT,
    action: 'send mail',
    target: 'smtp.example',
    verdict: { ...DENIED, outcome: 'PROMPT' },
    data: { approval: '6d9f2f6e-0c53-4c1f-9f0a-1f3f6c0a0003', timeoutSeconds: 60 },
  },
  'approval.decided': {
    actor: { kind: 'user', id: 'ada', name: 'ada' },
    action: 'allow',
    target: 'smtp.example',
    data: { approval: '6d9f2f6e-0c53-4c1f-9f0a-1f3f6c0a0003', outcome: 'ALLOW', how: 'person' },
  },
  'budget.warned': {
    severity: 'warning',
    action: 'count spending',
    target: 'limit daily',
    data: { spentMicros: 900_000 },
  },
  'gate.decided': {
    actor: AGENT,
    action: 'file.write',
    target: '/etc/hosts',
    verdict: DENIED,
    data: { denied: true, count: 2, wouldBlock: false },
  },
  'tool.changed': {
    actor: AGENT,
    severity: 'warning',
    action: 'change its description',
    target: 'read_file',
  },
  'guard.denied': {
    actor: AGENT,
    severity: 'warning',
    action: 'file.open',
    target: '/root/.ssh/id_ed25519',
    data: { denied: true, wouldBlock: false, count: 4, backEnd: 'landlock', process: 4711 },
  },
  'guard.lost': { severity: 'warning', action: 'lose denials', target: 'kernel', data: { count: 12 } },
  'guard.adopted': { action: 'adopt', target: 'agent.py', data: { pids: ['4711 python3'], processes: 1 } },
  'guard.not-adopted': { severity: 'warning', action: 'adopt', target: 'agent.py', data: { why: 'EPERM' } },
  'guard.released': { action: 'release', target: 'agent.py' },
  'posture.changed': {
    severity: 'warning',
    action: 'measure',
    target: 'enforcement',
    data: { missing: ['lsm'] },
  },
  'policy.applied': { action: 'apply policy', target: 'revision 7', data: { durationMs: 12 } },
  'policy.refused': {
    severity: 'critical',
    action: 'apply policy',
    target: 'revision 8',
    data: { code: 'bundle/expired' },
  },
  'freeze.applied': { action: 'apply freezes', target: 'revision 3' },
  'freeze.frozen': { severity: 'notice', action: 'freeze', target: 'agent.py', data: { processes: 2 } },
  'freeze.thawed': { severity: 'notice', action: 'thaw', target: 'agent.py', data: { processes: 2 } },
  'process.killed': {
    actor: { kind: 'control-plane', id: '', name: 'Ada' },
    severity: 'notice',
    action: 'kill',
    target: 'process 4711 (python3)',
    data: { reason: 'runs away', killed: 2 },
  },
  'process.kill-refused': {
    severity: 'warning',
    action: 'kill',
    target: 'process 1',
    data: { code: 'process/protected' },
  },
  'panic.started': {
    severity: 'critical',
    action: 'panic',
    target: 'dev-1',
    data: { by: 'ada', reason: 'odd' },
  },
  'panic.finished': {
    severity: 'critical',
    action: 'panic',
    target: 'dev-1',
    data: { processes: 2, by: 'ada' },
  },
  'panic.interrupted': { severity: 'critical', action: 'panic', target: 'dev-1', data: { snapshot: 'none' } },
  'panic.snapshot-removed': { severity: 'notice', action: 'remove', target: 'snapshot 1' },
  'vault.sealed': { action: 'seal', target: 'openai-prod', data: { provider: 'openai' } },
  'vault.unsealed': { severity: 'warning', action: 'unseal', target: 'openai-prod' },
  'vault.rotated': { action: 'rotate', target: 'openai-prod' },
  'vault.revoked': { action: 'revoke', target: 'openai-prod' },
  'vault.refused': { actor: AGENT, severity: 'critical', action: 'use', target: 'openai-prod' },
  'caller.allowed': { action: 'allow', target: '/usr/bin/agent' },
  'caller.disallowed': { action: 'disallow', target: '/usr/bin/agent' },
  'caller.refused': {
    actor: { kind: 'process', id: '', name: 'curl', pid: 99, user: 'dev' },
    severity: 'warning',
    action: 'call',
    target: 'api.openai.com:443',
    verdict: { ...DENIED, layer: 'builtin', rule: 'caller-not-allowed' },
  },
  'command.executed': { action: 'scan', target: 'dev-1', data: { command: 'c1' } },
  'command.refused': {
    severity: 'warning',
    action: 'scan',
    target: 'dev-1',
    data: { code: 'command/duplicate' },
  },
  'ledger.gap': { severity: 'warning', action: 'drop', target: 'telemetry', data: { count: 100 } },
  'ledger.followed': {
    action: 'follow',
    target: 'raypher.log/4f3c',
    data: { origin: 'raypher.log/4f3c', size: 300, root: 'ab'.repeat(32) },
  },
  'ledger.renamed': {
    severity: 'warning',
    action: 'follow',
    target: 'raypher.log/4f3c/2',
    data: { origin: 'raypher.log/4f3c/2', before: 'raypher.log/4f3c', size: 300 },
  },
  'ledger.contradicted': {
    severity: 'critical',
    action: 'follow',
    target: 'raypher.log/4f3c',
    data: { origin: 'raypher.log/4f3c', size: 200, detail: 'The log is shorter than it was.' },
  },
  'store.corrupt': { severity: 'critical', action: 'open', target: 'ledger.db' },
  'tamper.suspected': { severity: 'critical', action: 'verify', target: 'bundle 9' },
};

/** One entry of every type. */
export const EXAMPLES: readonly LedgerEntry[] = EventType.options.map((type, index) => ({
  v: 1,
  organisation: ORGANISATION,
  device: DEVICE,
  seq: index + 1,
  prev: '0'.repeat(64),
  at: '2026-11-30T20:00:00.125Z',
  type,
  severity: 'info',
  actor: EDGE,
  action: 'do',
  target: 'it',
  data: {},
  ...PARTS[type],
}));

/** The entry of that type. */
export function example(type: EventType): LedgerEntry {
  const found = EXAMPLES.find((entry) => entry.type === type);
  if (found === undefined) throw new Error(`there is no example of ${type}`);
  return found;
}
