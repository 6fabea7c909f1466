import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ArtefactFacts } from './artefact-facts.ts';
import { cloudInit, intuneLinuxDetect, shellScript } from './artefacts/linux.ts';
import { jamfProfile, jamfScript, kandjiAudit, kandjiInstall } from './artefacts/macos.ts';
import { intuneWindowsInstall } from './artefacts/windows.ts';
import { powershellString, shellWord, xmlText } from './quoting.ts';

const HOSTILE = [
  `'; touch /tmp/x; '`,
  '$(touch x)',
  '`touch x`',
  'a\nRAYPHER_TOKEN\ntouch x',
  '<string>]]></string>',
  '&amp;<!--',
  '\u2019; Remove-Item x; \u2019',
  '"$env:x"',
  '\\',
  '!x',
  '\ud800',
];
const names = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.constantFrom(...HOSTILE, ' ', "'", '"'), { maxLength: 4 }).map((parts) => parts.join('')),
);

/** What may be left of a name: control and direction characters became spaces. */
const shown = (name: string) =>
  name.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffe\uffff]/gu, ' ');

function facts(organisation: string): ArtefactFacts {
  const packages = (['deb', 'pkg', 'msi'] as const).map((format) => ({
    filename: `raypher.${format}`,
    platform: 'linux' as const,
    format,
    arch: 'x64',
    version: '1.0.0',
    sha256: 'ab'.repeat(32),
    bytes: 1,
  }));
  const rootPem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  return { server: 'https://raypher.test:8443', token: 'rpt1.a.b.c', rootPem, organisation, packages };
}

describe('names that people type', () => {
  it('are one word for a shell', () => {
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 20 }), (list) => {
        const script = `printf '%s\\n' ${list.map(shellWord).join(' ')}`;
        const said = execFileSync('/bin/sh', ['-s'], { input: script, env: {} }).toString();
        expect(said).toBe(`${list.map(shown).join('\n')}\n`);
      }),
      { numRuns: 40 },
    );
  });

  it('are one string for PowerShell', () => {
    fc.assert(
      fc.property(names, (name) => {
        const inside = powershellString(name).slice(1, -1);
        // Every character that ends a string comes twice.
        expect(inside.replaceAll(/(['\u2018-\u201b])\1/g, '')).not.toMatch(/['\u2018-\u201b\n\r]/);
      }),
    );
  });

  it('are text in XML', () => {
    fc.assert(
      fc.property(names, (name) => {
        const text = xmlText(name);
        expect(text).not.toMatch(/[<>]|&(?!(?:amp|lt|gt);)/);
        expect(text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')).toBe(
          shown(name),
        );
      }),
    );
  });

  it('change nothing but one line of a file', () => {
    const plain = 'ORGANISATION';
    const makers = [
      (f: ArtefactFacts) => shellScript(f).content.toString(),
      (f: ArtefactFacts) => jamfScript(f).content.toString(),
      (f: ArtefactFacts) => kandjiInstall(f).content.toString(),
      (f: ArtefactFacts) => intuneWindowsInstall(f).content.toString(),
      jamfProfile,
    ];
    fc.assert(
      fc.property(fc.constantFrom(...makers), names, (make, name) => {
        const usual = make(facts(plain)).split('\n');
        const hostile = make(facts(name)).split('\n');
        expect(hostile).toHaveLength(usual.length);
        for (const [index, line] of usual.entries()) {
          if (!line.includes(plain)) expect(hostile[index]).toBe(line);
        }
      }),
    );
  });

  it('leave every script in order for its shell', () => {
    for (const name of HOSTILE) {
      const given = facts(name);
      for (const { content, filename } of [
        shellScript(given),
        jamfScript(given),
        kandjiInstall(given),
        kandjiAudit(),
        intuneLinuxDetect(),
      ]) {
        const shells = filename.includes('detect') ? ['bash'] : ['sh', 'bash'];
        for (const shell of shells) execFileSync(shell, ['-n'], { input: content });
      }
    }
  });
});

describe('cloud-init', () => {
  it('writes the script for root alone, runs it and removes it', () => {
    for (const name of HOSTILE) {
      const draft = cloudInit(facts(name));
      expect(draft.content.toString().split('\n', 1)).toEqual(['#cloud-config']);
      expect(parse(draft.content.toString())).toEqual({
        write_files: [
          {
            path: '/run/raypher-join.sh',
            owner: 'root:root',
            permissions: '0600',
            content: shellScript(facts(name)).content,
          },
        ],
        runcmd: [
          ['sh', '/run/raypher-join.sh'],
          ['rm', '-f', '/run/raypher-join.sh'],
        ],
      });
    }
  });
});
