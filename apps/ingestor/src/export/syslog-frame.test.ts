import { testEvent } from '@raypher/ocsf';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OutgoingEvent } from './delivery.ts';
import { finished } from './outgoing.ts';
import { frame } from './syslog-sender.ts';

const ORGANISATION = '6d9f2f6e-0c53-4c1f-9f0a-1f3f6c0a0001';

function event(part: object): OutgoingEvent {
  return finished(0, 'critical', { ...testEvent(ORGANISATION, 'd', new Date(0)), ...part });
}

it('counts octets, and lets nothing of an event into the header or out of its message', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.constantFrom('a b', '\n<0>1 ', '[x y="z"]', ''),
  );
  fc.assert(
    fc.property(anything, anything, anything, (hostname, code, message) => {
      const one = event({
        device: { hostname, type_id: 0 },
        metadata: { event_code: code, version: '1.8.0' },
        message,
      });
      const text = frame(one).toString('latin1');
      const [, count = '', syslog = ''] = /^(\d+) (.*)$/s.exec(text) ?? [];
      expect(Number(count)).toBe(syslog.length);
      const fields =
        /^<106>1 1970-01-01T00:00:00\.000Z ([\x21-\x7e]{1,255}) raypher - ([\x21-\x7e]{1,32}) - (\{.*\})$/.exec(
          syslog,
        );
      expect(JSON.parse(fields?.[3] ?? '')).toEqual(JSON.parse(one.json));
    }),
  );
});
