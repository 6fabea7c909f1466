import type { IdentityEvent } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { cloneEvidence } from './clone-evidence.ts';

function happened(...kinds: IdentityEvent['kind'][]): IdentityEvent[] {
  return kinds.map((kind, index) => ({
    at: '2026-11-20T10:00:00.000Z',
    kind,
    detail: `${kind} ${index}`,
    by: '',
  }));
}

describe('what makes an identity a suspected clone', () => {
  it('is what was seen of two machines', () => {
    expect(cloneEvidence(happened('paused', 'cloned', 'enrolled')).map(({ detail }) => detail)).toEqual([
      'cloned 1',
    ]);
  });

  it('is nothing when a person paused it', () => {
    expect(cloneEvidence(happened('paused', 'approved', 'enrolled'))).toEqual([]);
  });

  it('is forgotten when a person resumed it', () => {
    expect(cloneEvidence(happened('paused', 'resumed', 'paused', 'cloned'))).toEqual([]);
  });

  it('is at most three, however often it happened', () => {
    expect(cloneEvidence(happened('cloned', 'cloned', 'cloned', 'cloned'))).toHaveLength(3);
  });
});
