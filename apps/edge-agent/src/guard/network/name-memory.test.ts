import { expect, test } from 'vitest';
import { NameMemory } from './name-memory.ts';

test('an address has the name that its group asked for last, and none for other groups', () => {
  const names = new NameMemory();
  names.remember(1n, 'a.example', ['192.0.2.1', '192.0.2.2']);
  names.remember(1n, 'b.example', ['192.0.2.2']);
  expect([names.nameOf(1n, '192.0.2.1'), names.nameOf(1n, '192.0.2.2')]).toEqual(['a.example', 'b.example']);
  expect(names.nameOf(2n, '192.0.2.1')).toBeUndefined();
  names.forget(1n);
  expect(names.nameOf(1n, '192.0.2.1')).toBeUndefined();
});

test('a group that asks for ever more names fills no memory', () => {
  const names = new NameMemory();
  for (let n = 0; n < 5000; n++) names.remember(1n, `n${n}.example`, [`192.0.${n >> 8}.${n & 255}`]);
  expect(names.nameOf(1n, '192.0.0.0')).toBeUndefined();
  expect(names.nameOf(1n, '192.0.19.135')).toBe('n4999.example');
});
