import type { Rollout } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { missingAnswer } from './confirmation.ts';
import { describeRollout, elapsedMs, inFlight, shownPhases } from './rollout-status.ts';

const rollout: Rollout = {
  id: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
  kind: 'policy',
  revision: 13,
  title: 'Policy revision 13',
  reason: 'Block DeepSeek',
  createdBy: 'Ada',
  createdAt: '2026-11-20T10:00:00.000Z',
  supersededAt: null,
  stage: null,
  devices: 10,
  counts: { pending: 1, received: 2, verified: 1, applied: 3, rejected: 1, unreachable: 2 },
  settledAfterMs: null,
  affected: 0,
};
const created = Date.parse(rollout.createdAt);
const settled: Rollout = {
  ...rollout,
  counts: { pending: 0, received: 0, verified: 0, applied: 7, rejected: 1, unreachable: 2 },
  settledAfterMs: 840,
};

describe('how far a rollout has come', () => {
  it('counts only connected devices as on it', () => {
    expect(inFlight(rollout)).toBe(4);
    expect(inFlight(settled)).toBe(0);
  });

  it('counts on until it is settled, then stands still', () => {
    expect(elapsedMs(rollout, created + 1_500)).toBe(1_500);
    expect(elapsedMs(settled, created + 99_000)).toBe(840);
  });

  it('never runs backwards when the clocks of server and viewer differ', () => {
    expect(elapsedMs(rollout, created - 5_000)).toBe(0);
  });

  it('is told in one sentence', () => {
    expect(describeRollout(rollout, created + 1_500)).toBe(
      '3 devices applied, 4 on it, 1 refused, 2 unreachable, 1.5 s so far',
    );
    expect(describeRollout(settled, created)).toBe(
      '7 devices applied, 1 refused, 2 unreachable, after 840 ms',
    );
  });

  it('shows all phases while devices are on it, afterwards where they ended', () => {
    expect(shownPhases(rollout, false)).toHaveLength(6);
    expect(shownPhases(settled, true).map(({ phase }) => phase)).toEqual([
      'applied',
      'rejected',
      'unreachable',
    ]);
  });
});

describe('a wide action', () => {
  it('waits for a reason, then for the typed name', () => {
    expect(missingAnswer({ reason: ' a ', confirm: '' }, 'Acme')).toContain('Say why');
    expect(missingAnswer({ reason: 'because', confirm: 'acme' }, 'Acme')).toBe('Type Acme to confirm.');
    expect(missingAnswer({ reason: 'because', confirm: 'Acme' }, 'Acme')).toBeUndefined();
    expect(missingAnswer({ reason: 'because', confirm: '' }, undefined)).toBeUndefined();
  });
});
