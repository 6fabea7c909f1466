import {
  CreateExportDestination,
  type ExportDestination,
  UpdateExportDestination,
} from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { createBody, type ExportForm, formOf, missingPart, updateBody } from './export-form.ts';

const SPLUNK: ExportDestination = {
  id: '6d9f2f6e-0c53-4c1f-9f0a-1f3f6c0a0001',
  kind: 'splunk-hec',
  name: 'Splunk',
  address: 'https://splunk.example:8088/',
  settings: { index: 'ai' },
  filter: { types: ['guard.denied'], severity: 'warning' },
  hasCa: false,
  enabled: true,
  createdAt: '2026-11-30T20:00:00.000Z',
  updatedAt: '2026-11-30T20:00:00.000Z',
  updatedBy: 'ada',
  state: {
    status: 'idle',
    nextIndex: 0,
    behind: 0,
    behindSince: null,
    sent: 0,
    sentAt: null,
    failingSince: null,
    failure: null,
    retryAt: null,
  },
};
const reason = 'because';
const filled: ExportForm = {
  ...formOf(undefined),
  name: 'SIEM',
  address: 'https://siem.example/',
  token: 'abcdefgh',
};

describe('the form of a destination', () => {
  it.each([
    ['splunk-hec', 'https://siem.example/'],
    ['webhook', 'https://siem.example/hook'],
    ['syslog-tls', 'siem.example:6514'],
    ['file', ''],
  ] as const)('makes what the control plane takes: %s', (kind, address) => {
    const form = { ...filled, kind, address };
    expect(missingPart(form, undefined)).toBeUndefined();
    expect(CreateExportDestination.parse(createBody(form, reason))).toMatchObject({ kind, from: 'now' });
  });

  it('changes only what is another one, and keeps the types that it does not show', () => {
    const body = UpdateExportDestination.parse(updateBody(SPLUNK, { ...formOf(SPLUNK), index: '' }, reason));
    expect(body).toEqual({
      name: 'Splunk',
      enabled: true,
      filter: { types: ['guard.denied'], severity: 'warning' },
      index: null,
      reason,
    });
  });

  it('asks for the token when the address is another one', () => {
    const moved = { ...formOf(SPLUNK), address: 'https://other.example/' };
    expect(missingPart(moved, SPLUNK)).toBe('Give the token.');
    expect(missingPart({ ...moved, token: 'abcdefgh' }, SPLUNK)).toBeUndefined();
  });
});
