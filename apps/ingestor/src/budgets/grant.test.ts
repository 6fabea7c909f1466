import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Ask, answerAsk, type Counter, committedBy, type Lease } from './grant.ts';

const counter = (more: Partial<Counter> = {}): Counter => ({
  amount: 1_000,
  committed: 0,
  holders: 1,
  ...more,
});
const ask = (more: Partial<Ask> = {}): Ask => ({
  granted: 0,
  spent: 0,
  held: 0,
  version: 0,
  needed: 0,
  wanted: 0,
  ...more,
});

describe('a device that asks', () => {
  test('gets what a waiting call needs, and beyond it a part of half of what is left', () => {
    expect(answerAsk(undefined, ask({ needed: 100 }), counter()).granted).toBe(100);
    expect(answerAsk(undefined, ask({ needed: 100, wanted: 400 }), counter()).granted).toBe(400);
    expect(answerAsk(undefined, ask({ needed: 100, wanted: 900 }), counter()).granted).toBe(500);
    expect(answerAsk(undefined, ask({ needed: 100, wanted: 900 }), counter({ holders: 4 })).granted).toBe(
      125,
    );
  });

  test('gets nothing of what is too little for its call, so that others can use it', () => {
    const left = counter({ committed: 950 });
    expect(answerAsk(undefined, ask({ needed: 51, wanted: 100 }), left).granted).toBe(0);
    expect(answerAsk(undefined, ask({ needed: 50, wanted: 100 }), left).granted).toBe(50);
  });

  test('and asks again because the answer was lost, gets the same and no more', () => {
    const lease = answerAsk(undefined, ask({ needed: 100 }), counter());
    const again = answerAsk(lease, ask({ needed: 100 }), counter({ committed: 100 }));
    expect(again).toMatchObject({ granted: 100, version: 2 });
  });

  test('gives back what it says it keeps no more, if it speaks of the newest grant', () => {
    const lease: Lease = { granted: 500, spent: 0, held: 0, version: 3 };
    const all = counter({ committed: 500 });
    expect(answerAsk(lease, ask({ spent: 200, granted: 200, version: 3 }), all).granted).toBe(200);
    expect(answerAsk(lease, ask({ spent: 200, granted: 200, version: 2 }), all).granted).toBe(500);
  });

  test('and claims to have been granted more than it was, has what it was granted', () => {
    const lease: Lease = { granted: 100, spent: 0, held: 0, version: 1 };
    const told = ask({ granted: 900, version: 1, needed: 50 });
    expect(answerAsk(lease, told, counter({ committed: 100 })).granted).toBe(150);
  });

  test('and lowers what it said is spent, is not believed', () => {
    const lease: Lease = { granted: 500, spent: 400, held: 0, version: 3 };
    const told = answerAsk(lease, ask({ spent: 0, granted: 0, version: 3 }), counter({ committed: 500 }));
    expect(told).toMatchObject({ spent: 400, granted: 400 });
  });

  test('and comes with a grant that is not known here, is told what it has here, with a word it will believe', () => {
    const told = ask({ spent: 300, granted: 900, version: 7, needed: 100 });
    const lease = answerAsk(undefined, told, counter());
    expect(lease).toEqual({ granted: 0, spent: 300, held: 0, version: 8 });
    const again = ask({ spent: 300, granted: 0, version: 8, needed: 400 });
    expect(answerAsk(lease, again, counter({ committed: 300 })).granted).toBe(700);
  });

  test('after a call that cost more than its bound gets what it needs on top of that', () => {
    const lease: Lease = { granted: 100, spent: 0, held: 0, version: 1 };
    const told = ask({ spent: 300, granted: 100, version: 1, needed: 250 });
    expect(answerAsk(lease, told, counter({ committed: 100 })).granted).toBe(550);
    expect(answerAsk(lease, { ...told, needed: 0 }, counter({ committed: 100 })).granted).toBe(100);
  });
});

/** A device that keeps to its grants and never says anything untrue; its line loses and repeats what it likes. */
class Device {
  granted = 0;
  version = 0;
  spent = 0;

  spend(amount: number): void {
    if (this.spent + amount <= this.granted) this.spent += amount;
  }

  giveBack(): void {
    this.granted = Math.min(this.granted, this.spent);
  }

  hear(lease: Lease): void {
    if (lease.version <= this.version) return;
    Object.assign(this, { granted: lease.granted, version: lease.version });
  }
}

const amounts = fc.integer({ min: 0, max: 300 });
const steps = fc.array(
  fc.record({
    device: fc.nat(3),
    what: fc.constantFrom('spend', 'ask', 'ask', 'lost answer', 'late answer', 'give back', 'fresh store'),
    amount: amounts,
    wanted: amounts,
  }),
  { maxLength: 80 },
);

test('whatever is lost, late, repeated or crashed: all devices together never spend more than the limit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000 }), steps, (amount, list) => {
      const leases = new Map<string, Lease>();
      const devices = Array.from({ length: 4 }, () => new Device());
      const stores = [0, 0, 0, 0];
      const late: (() => void)[] = [];
      /** Of stores that are gone: nobody reports it any more. */
      let lostSpending = 0;
      let committed = 0;
      for (const step of list) {
        const device = devices[step.device];
        if (device === undefined) continue;
        if (step.what === 'spend') device.spend(step.amount);
        if (step.what === 'give back') device.giveBack();
        if (step.what === 'fresh store') {
          lostSpending += device.spent;
          devices[step.device] = new Device();
          stores[step.device] = (stores[step.device] ?? 0) + 1;
        }
        if (step.what.includes('a')) late.shift()?.();
        if (!step.what.startsWith('ask') && !step.what.endsWith('answer')) continue;
        const name = `${step.device}/${stores[step.device]}`;
        const known = leases.get(name);
        const asked = ask({ ...device, needed: step.amount, wanted: step.wanted });
        const next = answerAsk(known, asked, counter({ amount, committed, holders: leases.size }));
        committed += committedBy(next) - (known === undefined ? 0 : committedBy(known));
        leases.set(name, next);
        if (step.what === 'ask') device.hear(next);
        if (step.what === 'late answer') late.push(() => device.hear(next));
      }
      const spent = devices.reduce((sum, device) => sum + device.spent, lostSpending);
      expect(spent).toBeLessThanOrEqual(amount);
      expect(committed).toBeLessThanOrEqual(amount);
      expect(spent).toBeLessThanOrEqual(committed);
    }),
    { numRuns: 2_000 },
  );
});
