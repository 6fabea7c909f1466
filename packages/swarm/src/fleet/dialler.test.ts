import { expect, test } from 'vitest';
import { SeededRandom } from '../random.ts';
import { Dialler, type Dialling } from './dialler.ts';
import type { RampKind } from './ramp.ts';

class Phone implements Dialling {
  dials = 0;
  hungUp = 0;

  connect(): void {
    this.dials += 1;
  }

  disconnect(): void {
    this.hungUp += 1;
  }
}

function phones(count: number): Phone[] {
  return Array.from({ length: count }, () => new Phone());
}

function diallerFor(
  list: Phone[],
  {
    handshakes,
    kind = 'steady',
    ...rate
  }: { connectsPerSecond: number; handshakes: number; kind?: RampKind },
): Dialler<Phone> {
  const random = new SeededRandom('dialler');
  const ramp = { kind, seconds: 4, ...rate };
  const dialler = new Dialler<Phone>({ ramp, handshakes, random: () => random.next() }, 0);
  for (const phone of list) dialler.add(phone, 0);
  return dialler;
}

function dialled(list: Phone[]): number {
  return list.filter(({ dials }) => dials > 0).length;
}

test('the ramp is kept', () => {
  const list = phones(1_000);
  const dialler = diallerFor(list, { connectsPerSecond: 100, handshakes: 1_000 });
  for (let now = 20; now <= 2_000; now += 20) dialler.tick(now);
  expect(dialled(list)).toBe(200);
});

test.each([
  ['linear', [13, 50, 113, 200, 300]],
  ['step', [25, 75, 150, 250, 350]],
  ['spike', [1_000, 1_000, 1_000, 1_000, 1_000]],
] as const)('a %s ramp opens its share of connections', (kind, expected) => {
  const list = phones(1_000);
  const dialler = diallerFor(list, { connectsPerSecond: 100, handshakes: 64, kind });
  const counts: number[] = [];
  for (let now = 10; now <= 5_000; now += 10) {
    dialler.tick(now);
    for (const phone of list) if (phone.dials > 0) dialler.welcomed(phone);
    if (now % 1_000 === 0) counts.push(dialled(list));
  }
  for (const [second, count] of counts.entries())
    expect(Math.abs(count - (expected[second] ?? 0))).toBeLessThan(4);
});

test('no more handshakes than allowed are under way', () => {
  const list = phones(50);
  const dialler = diallerFor(list, { connectsPerSecond: 10_000, handshakes: 8 });
  dialler.tick(1_000);
  expect(dialled(list)).toBe(8);
  for (const phone of list.slice(0, 3)) dialler.welcomed(phone);
  dialler.tick(1_020);
  expect(dialled(list)).toBe(11);
});

test('a lost fleet comes back spread out, and later after every failure', () => {
  const list = phones(1_000);
  const dialler = diallerFor(list, { connectsPerSecond: 1_000_000, handshakes: 10_000 });
  dialler.tick(1_000);
  for (let failure = 0; failure < 3; failure += 1) for (const phone of list) dialler.lost(phone, 0, 2_000);
  // Third failure: anywhere within 250 ms × 2² = 1 s, so about half of them after half of it.
  dialler.tick(2_500);
  const early = list.filter(({ dials }) => dials === 2).length;
  expect(early).toBeGreaterThan(400);
  expect(early).toBeLessThan(600);
  dialler.tick(3_001);
  expect(list.every(({ dials }) => dials === 2)).toBe(true);
});

test('nobody comes back before the time that the control plane asked for', () => {
  const list = phones(100);
  const dialler = diallerFor(list, { connectsPerSecond: 1_000_000, handshakes: 1_000 });
  dialler.tick(1_000);
  for (const phone of list) dialler.lost(phone, 5_000, 1_000);
  dialler.tick(5_999);
  expect(list.every(({ dials }) => dials === 1)).toBe(true);
  dialler.tick(6_251);
  expect(list.every(({ dials }) => dials === 2)).toBe(true);
});

test('a connection that is never welcomed is given up', () => {
  const list = phones(1);
  const dialler = diallerFor(list, { connectsPerSecond: 100, handshakes: 10 });
  dialler.tick(1_000);
  dialler.tick(32_000);
  expect(list[0]?.hungUp).toBe(1);
});
