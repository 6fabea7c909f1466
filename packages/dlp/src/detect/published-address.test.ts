import { describe, expect, it } from 'vitest';
import { quickestMs } from '../quickest-ms.test-support.ts';
import { createScanner } from './create-scanner.ts';

const scanner = createScanner();
const all = createScanner({ publishedAddresses: 'find' });
const addresses = (text: string, by = scanner): string[] =>
  by.scan(text).flatMap(({ detector, start, end }) => (detector === 'email' ? [text.slice(start, end)] : []));

/** Addresses that were published on purpose, as manifests, licences and documentation of public projects hold them. */
const PUBLISHED = [
  '# Copyright (C) 2025 Ada Quill <ada@quill.dev>',
  '{ "name": "thing", "author": "Ada Quill <ada@quill.dev> (https://quill.dev)" }',
  '"contributors": [\n  "Ada Quill <ada@quill.dev>",\n  "Bo Dyke <bo.dyke@gmail.com>",\n  "Cy <w@cy.dk>"\n]',
  'authors = [{ name = "Ada Quill", email = "ada@quill.dev" }]',
  '__author__ = "Ada Quill"\n__author_email__ = "ada@quill.dev"',
  'fix: something\n\nSigned-off-by: Ada Quill <ada@quill.dev>\nCo-authored-by: Bo <bo@dyke.io>',
  `commit ${'0a'.repeat(20)}\ntree ${'1b'.repeat(20)}\n    chore: replace ada@quill.dev with bo@dyke.io`,
  'may be reported to the community leaders responsible for enforcement at\nada@quill.dev.',
  'by contacting the project team at <ada+abuse@quill.dev>',
  'To report a vulnerability, write to ada@quill.dev.',
  'mail [secure@quill.dev](mailto:secure@quill.dev) or security@quill.dev',
  'Renovate Bot <bot@renovateapp.com>, quill-devel@quill.dev, kernel@lists.quill.dev, quill@quill.dev',
  'connect with postgres://reader@db.quill.dev/x or ssh -p 22 ada@host.quill.dev, scp ada@host.quill.dev:/srv/x .',
  'Use `alice@company.com`, test@quill.dev or your.name@quill.dev in the examples.',
];

/** The same words around addresses that were not. */
const PRIVATE: [text: string, address: string][] = [
  ['my email address is ada.quill@quill.dev', 'ada.quill@quill.dev'],
  ['{"customer":{"name":"Ada Quill","email":"ada@quill.dev"}}', 'ada@quill.dev'],
  ['Please authorize Ada (ada@quill.dev) to see the report.', 'ada@quill.dev'],
  ['From: Ada Quill <ada@quill.dev>\nTo: Bo <bo@dyke.io>', 'ada@quill.dev'],
  ['On 12 March 2024 Ada Quill <ada@quill.dev> wrote:', 'ada@quill.dev'],
  ['jane.doe@acme.com has a driver license and likes it', 'jane.doe@acme.com'],
  ['She works in security, her address is ada@quill.dev', 'ada@quill.dev'],
  ['john.dev@gmail.com', 'john.dev@gmail.com'],
];

describe('published addresses', () => {
  it.each(PUBLISHED)('are no contacts: %s', (text) => expect(addresses(text)).toEqual([]));
  it('are found by a scanner that is told to', () => {
    expect(PUBLISHED.filter((text) => addresses(text, all).length === 0)).toEqual([]);
  });
  it.each(PRIVATE)('private: %s', (text, address) => expect(addresses(text)).toContain(address));
  it('one list does not hide what stands after it', () => {
    const text = `Author: Ada <ada@quill.dev>\n${'prose '.repeat(40)}\nwrite to bo@dyke.io`;
    expect(addresses(text)).toEqual(['bo@dyke.io']);
  });
  it('costs linear time for a flood of addresses', () => {
    const time = (count: number) => {
      const text = 'Bo <bo@dyke.io>, '.repeat(count);
      return quickestMs(() => scanner.scan(text));
    };
    time(2_000);
    expect(time(40_000) / time(4_000)).toBeLessThan(40);
  });
});
