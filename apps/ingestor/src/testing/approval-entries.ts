import { randomUUID } from 'node:crypto';

/** What a device records when a person is asked; `change` may be anything a hostile one would write. */
export function requestedEntry(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: 'approval.requested',
    severity: 'notice',
    actor: { kind: 'ai-agent', id: 'a1', name: 'bot', pid: 42, user: 'dev' },
    action: 'call',
    target: 'api.openai.com/v1/chat/completions',
    verdict: {
      outcome: 'PROMPT',
      mode: 'enforce',
      layer: 'global',
      rule: 'ask-first',
      reason: 'Ask before calling this model.',
      revision: 7,
    },
    data: {
      approval: randomUUID(),
      subject: '0'.repeat(64),
      layer: 'global',
      rule: 'ask-first',
      revision: 7,
      approversNeeded: 1,
      timeoutSeconds: 120,
      onTimeout: 'DENY',
      ...change,
    },
  };
}

/** What a device records when a question has ended. */
export function decidedEntry(
  approval: string,
  change: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    type: 'approval.decided',
    severity: 'notice',
    actor: { kind: 'edge-agent', id: '', name: 'raypher' },
    action: 'time out',
    target: 'api.openai.com/v1/chat/completions',
    data: {
      approval,
      how: 'timeout',
      outcome: 'DENY',
      waitedMs: 120_000,
      answered: 1,
      approversGiven: 0,
      ...change,
    },
  };
}
