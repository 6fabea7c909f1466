import { ACTIONS } from '@raypher/policy';
import { EventType } from '@raypher/shared';
import { AuditAction, ControlKind } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { actionWords, recordWords, targetWords } from './record-words.ts';

const CODES = [...EventType.options, ...AuditAction.options, ...ControlKind.options];

describe('codes of the record', () => {
  it.each(CODES)('%s is told in words', (code) => {
    expect(recordWords(code)).toMatch(/^[A-Z][A-Za-z, ]+$/);
  });

  it('have words of their own within each list, so that two things are not told as one', () => {
    for (const codes of [EventType.options, AuditAction.options, ControlKind.options]) {
      expect(new Set(codes.map(recordWords)).size).toBe(codes.length);
    }
  });

  it('keep their own name where this page does not know them', () => {
    expect(recordWords('quantum.entangled')).toBe('quantum.entangled');
    expect(recordWords('constructor')).toBe('constructor');
  });
});

it('what a device can enforce is told by its name, and other targets as they were recorded', () => {
  expect(targetWords('posture.changed', 'network.interception')).toBe('Reading TLS');
  expect(targetWords('process.killed', 'kernel.files')).toBe('kernel.files');
});

describe('what AI agents do', () => {
  it.each(ACTIONS)('%s is told in words', (action) => {
    expect(actionWords(action)).toMatch(/^[a-z][a-z ]+$/);
  });

  it('is left as it is where it is words already', () => {
    expect(actionWords('prove what it can enforce')).toBe('prove what it can enforce');
  });
});
