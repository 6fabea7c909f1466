import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatShare,
  plural,
  shortenId,
} from './format.ts';
import { formatClock, formatDateTime, formatUtc } from './time.ts';

describe('numbers for people', () => {
  it.each([
    [0, '0 ms'],
    [840, '840 ms'],
    [1_240, '1.2 s'],
    [59_949, '59.9 s'],
    [61_000, '1 min 1 s'],
    [3_660_000, '1 h 1 min'],
    [49 * 3_600_000, '2 d 1 h'],
    [-5, '0 ms'],
  ])('%d milliseconds last %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it.each([
    [2_000, 'now'],
    [-3_000, 'now'],
    [42_000, '42 s ago'],
    [3 * 60_000, '3 min ago'],
    [2 * 3_600_000, '2 h ago'],
    [3 * 86_400_000, '3 d ago'],
    [-2 * 3_600_000, 'in 2 h'],
  ])('%d milliseconds since reads %s', (age, text) => {
    expect(formatAge(1_000_000_000_000 - age, 1_000_000_000_000)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [70 * 1024 * 1024, '70 MiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('counts with thousands separators and the right noun', () => {
    expect(formatCount(10_400)).toBe('10,400');
    expect(plural(1, 'device')).toBe('1 device');
    expect(plural(2, 'process', 'processes')).toBe('2 processes');
  });

  it('shortens shares and ids', () => {
    expect(formatShare(0.034)).toBe('3.4 %');
    expect(formatShare(1.5)).toBe('150 %');
    expect(shortenId('018f3c2a-aaaa')).toBe('018f3c2a');
  });
});

describe('moments for people', () => {
  const at = new Date('2026-11-20T23:05:09.120Z');

  it('are told in the zone of the viewer', () => {
    expect(formatClock(at, 'Europe/Berlin')).toBe('00:05:09');
    expect(formatDateTime(at, 'America/New_York')).toBe('20 Nov 2026, 18:05:09');
  });

  it('are told in UTC to the millisecond on hover', () => {
    expect(formatUtc(at)).toBe('2026-11-20 23:05:09.120 UTC');
  });
});
