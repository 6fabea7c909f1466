import { describe, expect, it } from 'vitest';
import { describeConnection, STALE_AFTER_MS } from './connection-state.ts';

describe('the live indicator', () => {
  it('is live while connected', () => {
    expect(describeConnection({ kind: 'connected', since: 0 }, 99_000)).toMatchObject({
      tone: 'allowed',
      text: 'Live',
    });
  });

  it('says reconnecting for a short break', () => {
    expect(describeConnection({ kind: 'reconnecting', since: 0 }, STALE_AFTER_MS - 1).text).toBe(
      'Reconnecting',
    );
  });

  it('says how old the data is after a longer one', () => {
    const label = describeConnection({ kind: 'reconnecting', since: 1_000 }, 13_900);
    expect(label).toMatchObject({ tone: 'denied', text: 'Stale for 12 s' });
    expect(label.sentence).toContain('Devices keep enforcing');
  });
});
