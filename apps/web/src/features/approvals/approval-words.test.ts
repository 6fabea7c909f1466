import type { Approval, ApprovalEnd } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { countdown, endSentence, secondsLeft } from './approval-words.ts';

const ADA = {
  userId: 'u1',
  by: 'ada',
  at: '2026-11-20T10:00:00.000Z',
  outcome: 'allow',
  scope: 'once',
  minutes: null,
  reason: 'Needed.',
} as const;

function approval(
  state: Approval['state'],
  end: Partial<ApprovalEnd> | null,
  votes: Approval['votes'] = [],
): Approval {
  return {
    id: '6a3f4b1e-3d5e-4a53-9a0e-1b6f0f0c4d11',
    device: { id: '6a3f4b1e-3d5e-4a53-9a0e-1b6f0f0c4d12', hostname: 'laptop', simulated: false, team: null },
    askedAt: '2026-11-20T10:00:00.000Z',
    expiresAt: '2026-11-20T10:02:00.000Z',
    actor: { kind: 'ai-agent', id: 'a', name: 'bot', pid: 1, user: 'dev' },
    action: 'call',
    target: 'api.openai.com/v1',
    details: null,
    layer: 'global',
    rule: 'ask',
    reason: 'Ask first.',
    revision: 1,
    onTimeout: 'DENY',
    approversNeeded: 1,
    seq: 1,
    state,
    votes,
    end:
      end === null
        ? null
        : {
            at: '2026-11-20T10:02:00.000Z',
            how: 'timeout',
            outcome: 'DENY',
            by: null,
            second: null,
            scope: null,
            minutes: null,
            reason: null,
            waitedMs: 120_000,
            answered: 1,
            seq: 2,
            ...end,
          },
  };
}

describe('how a question ended', () => {
  it('never says a person denied what nobody answered', () => {
    const sentence = endSentence(approval('timed-out', {}));
    expect(sentence).toBe('Nobody decided after 2 min 0 s: refused by its rule.');
    expect(endSentence({ ...approval('timed-out', { outcome: 'ALLOW' }), onTimeout: 'ALLOW' })).toContain(
      'let through',
    );
  });

  it('says when an answer came too late', () => {
    expect(endSentence(approval('timed-out', {}, [ADA]))).toContain('The answer of ada came too late');
  });

  it('names both who agreed, and how far it reaches', () => {
    const end = {
      how: 'person',
      outcome: 'ALLOW',
      by: 'ada',
      second: 'bob',
      scope: 'minutes',
      minutes: 5,
    } as const;
    expect(endSentence(approval('allowed', { ...end, waitedMs: 4_000 }))).toBe(
      'Allowed by ada and bob for 5 minutes, after 4.0 s.',
    );
  });

  it('does not claim what the device has not said', () => {
    expect(endSentence(approval('sent', null, [ADA]))).toBe(
      'ada allowed it; the device has not confirmed yet.',
    );
    expect(endSentence(approval('no-word', null))).toContain('has not said how it ended');
  });

  it('says why a question was withdrawn', () => {
    const end = { how: 'withdrawn', reason: 'The policy changed.' } as const;
    expect(endSentence(approval('withdrawn', end))).toBe('The policy changed.');
    expect(endSentence(approval('withdrawn', { how: 'withdrawn' }))).toBe('Who asked had gone.');
  });
});

it('counts down to zero and not beyond', () => {
  const at = '2026-11-20T10:02:00.000Z';
  expect(countdown(secondsLeft(at, Date.parse(at) - 72_000))).toBe('1:12');
  expect(countdown(secondsLeft(at, Date.parse(at) + 5_000))).toBe('0:00');
});
