import { randomUUID } from 'node:crypto';
import { type ActiveFreeze, Phase, type StateSlot } from '@raypher/shared';
import { afterEach, expect, test, vi } from 'vitest';
import { BundleSigner } from '../floor/bundle-signer.ts';
import { SeededRandom } from '../random.ts';
import { BundleVerifier } from './bundle-verifier.ts';
import { type DeviceBehaviour, GOOD_BEHAVIOUR } from './device-behaviour.ts';
import { type Progress, SimulatedEnforcers } from './simulated-enforcers.ts';

afterEach(() => vi.useRealTimers());

const organisation = randomUUID();
const signer = new BundleSigner();
const issuedAt = '2026-11-20T10:00:00.000Z';

function policy(revision: number, source = ''): StateSlot {
  return signer.sign({
    kind: 'policy',
    organisation,
    revision,
    issuedAt,
    documents: [{ layer: 'global', source }],
  });
}

function enforcersWith(behaviour: Partial<DeviceBehaviour> = {}) {
  const verifier = new BundleVerifier();
  verifier.trust(signer.keyId, signer.publicKey);
  const progress: string[] = [];
  const host = {
    organisation,
    onProgress: ({ kind, slot, phase, error }: Progress) =>
      void progress.push(`${kind} ${slot.revision} ${Phase[phase]} ${error?.code ?? ''}`.trim()),
    onSwitched: () => {},
  };
  const parts = {
    verifier,
    behaviour: { ...GOOD_BEHAVIOUR, ...behaviour },
    random: new SeededRandom('test'),
  };
  return { enforcers: new SimulatedEnforcers(host, {}, parts), progress };
}

test('APPLIED comes last, after RECEIVED and VERIFIED', () => {
  const { enforcers, progress } = enforcersWith();
  enforcers.receive({ policy: policy(1), freeze: undefined });
  expect(progress).toEqual(['policy 1 PHASE_RECEIVED', 'policy 1 PHASE_VERIFIED', 'policy 1 PHASE_APPLIED']);
  expect(enforcers.revisionOf('policy')).toBe(1);
});

test('the same revision again is confirmed, a lower one is refused', () => {
  const { enforcers, progress } = enforcersWith();
  const second = policy(2);
  enforcers.receive({ policy: second, freeze: undefined });
  enforcers.receive({ policy: second, freeze: undefined });
  enforcers.receive({ policy: policy(1), freeze: undefined });
  expect(progress.slice(3)).toEqual([
    'policy 2 PHASE_RECEIVED',
    'policy 2 PHASE_APPLIED',
    'policy 1 PHASE_RECEIVED',
    'policy 1 PHASE_REJECTED bundle/revision-not-monotonic',
  ]);
  expect(enforcers.revisionOf('policy')).toBe(2);
});

test('a slot whose revision is not that of the signed payload is refused', () => {
  const { enforcers, progress } = enforcersWith();
  enforcers.receive({ policy: { ...policy(1), revision: 9n }, freeze: undefined });
  expect(progress.at(-1)).toBe('policy 9 PHASE_REJECTED bundle/digest-mismatch');
  expect(enforcers.revisionOf('policy')).toBe(0);
});

test('a policy in the slot of the freeze is refused', () => {
  const { enforcers, progress } = enforcersWith();
  enforcers.receive({ policy: undefined, freeze: policy(1) });
  expect(progress.at(-1)).toBe('freeze 1 PHASE_REJECTED bundle/digest-mismatch');
});

test('an emergency goes before a policy of the same message', () => {
  const freezes: ActiveFreeze[] = [
    { id: randomUUID(), selector: { kind: 'all' }, reason: 'test', by: 'test', since: issuedAt },
  ];
  const { enforcers, progress } = enforcersWith();
  const freeze = signer.sign({ kind: 'freeze', organisation, revision: 1, issuedAt, freezes });
  enforcers.receive({ policy: policy(1), freeze });
  expect(progress.findIndex((line) => line.startsWith('policy'))).toBe(3);
  expect(enforcers.freezes).toEqual(freezes);
});

test('a slow enforcer that was overtaken does not go back', () => {
  vi.useFakeTimers();
  const { enforcers, progress } = enforcersWith({ applyDelayMs: [20, 20] });
  enforcers.receive({ policy: policy(2), freeze: undefined });
  enforcers.receive({ policy: policy(1), freeze: undefined });
  expect(enforcers.revisionOf('policy')).toBe(0);
  vi.advanceTimersByTime(30);
  expect(enforcers.revisionOf('policy')).toBe(2);
  expect(progress.filter((line) => line.endsWith('PHASE_APPLIED'))).toEqual(['policy 2 PHASE_APPLIED']);
});

test('an enforcer that fails is reported as REJECTED and the last good state stays', () => {
  const { enforcers, progress } = enforcersWith({ applyFailure: 1 });
  enforcers.receive({ policy: policy(1), freeze: undefined });
  expect(progress.at(-1)).toBe('policy 1 PHASE_REJECTED bundle/not-enforced');
  expect(enforcers.revisionOf('policy')).toBe(0);
});
