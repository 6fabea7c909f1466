import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { agentPaths } from '../service/paths.ts';
import { TestControlPlane } from '../testing/test-control-plane.ts';
import { enroll } from './enroll.ts';
import type { Attester, KeyProvider } from './key-provider.ts';
import { openKeys } from './open-keys.ts';
import { postJson } from './post-json.ts';
import { renew } from './renewal.ts';

describe.skipIf(tpmUnavailable)(`a device whose key is in its TPM ${tpmUnavailable ?? ''}`, () => {
  let chip: TestTpm;
  let other: TestTpm;
  let plane: TestControlPlane;
  let folder: string;
  const open: KeyProvider[] = [];

  beforeAll(async () => {
    [chip, other] = await Promise.all([TestTpm.start({ manufactured: true }), TestTpm.start()]);
  });
  afterAll(() => Promise.all([chip?.stop(), other?.stop()]));
  beforeEach(async () => {
    plane = await TestControlPlane.start();
    folder = mkdtempSync(join(tmpdir(), 'raypher-silicon-'));
  });
  afterEach(async () => {
    for (const keys of open.splice(0)) keys.close();
    await plane.stop();
  });

  async function keysOf(tpm: TestTpm, dataDir = folder): Promise<KeyProvider> {
    const keys = await openKeys(agentPaths(dataDir), { identityKey: 'tpm', tpmTcti: tpm.tcti });
    open.push(keys);
    return keys;
  }

  /** A device of one TPM whose statements are partly those of another one. */
  async function mixture(
    parts: readonly (keyof Attester)[],
  ): Promise<{ own: KeyProvider; mixed: KeyProvider }> {
    const own = await keysOf(chip);
    const theirs = await keysOf(other, mkdtempSync(join(tmpdir(), 'raypher-other-')));
    const foreign = attesterOf(theirs);
    const borrowed = Object.fromEntries(parts.map((part) => [part, foreign[part].bind(foreign)]));
    return { own, mixed: changed(own, { attester: changed(attesterOf(own), borrowed) }) };
  }

  function bodyOf(path: string): Record<string, unknown> {
    const body = plane.requests.findLast((request) => request.path === path)?.body;
    if (body === undefined) throw new Error(`nothing was sent to ${path}`);
    return body;
  }

  test('proves it, and leaves no key on the disk', async () => {
    const keys = await keysOf(chip);
    const enrolment = await enroll(plane.server, plane.token, keys);
    expect(enrolment).toMatchObject({ status: 'active', identityClass: 'unverified' });
    const certified = new X509Certificate(enrolment.certificate).publicKey;
    expect(certified.export({ type: 'spki', format: 'der' })).toEqual(keys.publicKey);
    expect(bodyOf('/v1/enroll')).toMatchObject({
      device: { identityClass: 'tpm', bootId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      tpm: { pcrs: { 7: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    });
    const identity = join(folder, 'identity');
    expect(readdirSync(identity)).toEqual(['tpm.json']);
    expect(readFileSync(join(identity, 'tpm.json'), 'utf8')).not.toMatch(/PRIVATE|"d"/);
  });

  test('is the same device after a restart and after a power cycle', async () => {
    const before = await keysOf(chip);
    const enrolment = await enroll(plane.server, plane.token, before);
    for (const keys of open.splice(0)) keys.close();
    const restarted = await keysOf(chip);
    expect(restarted.publicKey).toEqual(before.publicKey);
    for (const keys of open.splice(0)) keys.close();
    await chip.powerCycle();
    const cycled = await keysOf(chip);
    expect(cycled.publicKey).toEqual(before.publicKey);
    expect((await renew(enrolment, cycled)).certificate).not.toBe(enrolment.certificate);
  });

  test('renews with a fresh quote, and not without one', async () => {
    const keys = await keysOf(chip);
    const enrolment = await enroll(plane.server, plane.token, keys);
    await renew(enrolment, keys);
    const { tpm } = bodyOf('/v1/renew');
    expect(tpm).toMatchObject({ challenge: expect.any(String), quote: expect.any(Object) });
    expect(tpm).not.toHaveProperty('secret');
    await expect(renew(enrolment, changed(keys, { attester: undefined }))).rejects.toMatchObject({
      code: 'device/attestation-required',
    });
    const stale = { csr: await keys.createCsr(), tpm };
    const tls = keys.tlsIdentity(enrolment.certificate, enrolment.ca);
    await expect(postJson(new URL('/v1/renew', plane.server), stale, tls)).rejects.toMatchObject({
      code: 'enrolment/challenge-unknown',
    });
  });

  test('cannot be enrolled again by whoever recorded how it proved itself', async () => {
    await enroll(plane.server, plane.token, await keysOf(chip));
    const tls = { ca: plane.authority.rootPem };
    const replay = postJson(new URL('/v1/enroll', plane.server), bodyOf('/v1/enroll'), tls);
    await expect(replay).rejects.toMatchObject({ code: 'enrolment/challenge-unknown' });
  });

  test('cannot borrow the state of another machine', async () => {
    const { own, mixed } = await mixture(['quote']);
    await expect(enroll(plane.server, plane.token, mixed)).rejects.toMatchObject({
      code: 'device/identity-mismatch',
    });
    const enrolment = await enroll(plane.server, plane.token, own);
    await expect(renew(enrolment, mixed)).rejects.toMatchObject({ code: 'device/attestation-refused' });
  });

  test('cannot let another TPM vouch for its key', async () => {
    const { mixed } = await mixture(['certify']);
    await expect(enroll(plane.server, plane.token, mixed)).rejects.toMatchObject({
      code: 'device/identity-mismatch',
    });
  });

  test('cannot answer a challenge that was made for another TPM', async () => {
    const { mixed } = await mixture(['evidence']);
    // libtpms answers with a failure when RSA does not decrypt, where the chip's makers say "integrity".
    await expect(enroll(plane.server, plane.token, mixed)).rejects.toMatchObject({
      code: expect.stringMatching(/^tpm\/(cleared|unavailable)$/),
    });
    expect(plane.requests.map(({ path }) => path)).toEqual(['/v1/enroll/challenge']);
  });
});

function attesterOf({ attester }: KeyProvider): Attester {
  if (attester === undefined) throw new Error('not a key in a TPM');
  return attester;
}

/** An object with some of its parts exchanged; the others go on working on the object itself. */
function changed<T extends object>(object: T, changes: Partial<T>): T {
  return new Proxy(object, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
