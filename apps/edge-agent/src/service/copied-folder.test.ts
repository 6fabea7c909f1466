import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { enroll } from '../identity/enroll.ts';
import { loadEnrolment, saveEnrolment } from '../identity/enrolment.ts';
import type { KeyProvider } from '../identity/key-provider.ts';
import { createKeys, openKeys } from '../identity/open-keys.ts';
import { renew } from '../identity/renewal.ts';
import { TestControlPlane } from '../testing/test-control-plane.ts';
import { TestFleet } from '../testing/test-fleet.ts';
import { joinOrganisation } from './membership.ts';
import { openAgent } from './open-agent.ts';
import { agentPaths } from './paths.ts';

describe.skipIf(tpmUnavailable)(
  `a data folder that was copied to another machine ${tpmUnavailable ?? ''}`,
  () => {
    const secret = Buffer.from('what only the first machine may know');
    let chip: TestTpm;
    let other: TestTpm;
    let plane: TestControlPlane;
    let copy: string;
    let sealed: Buffer;
    const open: KeyProvider[] = [];

    function choice(tpm: TestTpm) {
      return { identityKey: 'auto', tpmTcti: tpm.tcti } as const;
    }

    function opened(keys: KeyProvider): KeyProvider {
      open.push(keys);
      return keys;
    }

    beforeAll(async () => {
      [chip, other] = await Promise.all([TestTpm.start(), TestTpm.start()]);
    });
    afterAll(() => Promise.all([chip?.stop(), other?.stop()]));
    beforeEach(async () => {
      plane = await TestControlPlane.start();
      const original = mkdtempSync(join(tmpdir(), 'raypher-original-'));
      const paths = agentPaths(original);
      const keys = await openKeys(paths, choice(chip));
      const enrolment = await enroll(plane.server, plane.token, keys);
      saveEnrolment(paths.enrolment, enrolment);
      joinOrganisation(paths, enrolment, keys);
      sealed = keys.sealer.seal(secret, []);
      keys.close();
      copy = mkdtempSync(join(tmpdir(), 'raypher-copy-'));
      cpSync(original, copy, { recursive: true });
    });
    afterEach(async () => {
      for (const keys of open.splice(0)) keys.close();
      await plane.stop();
    });

    test('starts on the machine that enrolled it', async () => {
      const { membership, db } = await openAgent(agentPaths(copy), choice(chip));
      if (membership !== undefined) opened(membership.keys);
      expect(membership?.keys.sealer.unseal(sealed)).toEqual(secret);
      db.close();
    });

    test('does not start there, and says whose it is', async () => {
      await expect(openAgent(agentPaths(copy), choice(other))).rejects.toMatchObject({
        code: 'device/other-machine',
        exitCode: 8,
        message: expect.stringMatching(/belongs to the TPM [0-9a-f]{16}….*this machine has/),
      });
    });

    test('does not start on a machine without a TPM either, and takes no file instead', async () => {
      await expect(
        openAgent(agentPaths(copy), { identityKey: 'software', tpmTcti: undefined }),
      ).rejects.toMatchObject({ code: 'device/other-machine', message: expect.stringContaining('has none') });
    });

    test('is of no use when what it says about the TPM is made to fit', async () => {
      const paths = agentPaths(copy);
      rmSync(paths.tpmKey);
      (await createKeys(paths, choice(other))).close();
      await expect(openAgent(paths, choice(other))).rejects.toMatchObject({
        code: 'device/other-machine',
        message: expect.stringContaining('issued for another key'),
      });
    });

    test('is of no use to an agent that does not check, either', async () => {
      const paths = agentPaths(copy);
      rmSync(paths.tpmKey);
      const keys = opened(await createKeys(paths, choice(other)));
      // An attacker's agent: the certificate of the first machine, the key of the second.
      const fleet = await TestFleet.enrol(plane, keys);
      const stolen = loadEnrolment(paths.enrolment);
      if (stolen === undefined) throw new Error('there is no enrolment in the copy');
      fleet.enrolment = stolen;
      const device = fleet.open();
      device.uplink.start();
      await expect.poll(() => device.uplink.status.reason).not.toBe('');
      expect(device.uplink.status.reason).toMatch(/key values mismatch|handshake|certificate/i);
      expect(plane.connections).toBe(0);
      await expect(renew(stolen, keys)).rejects.toThrow();
      expect(() => keys.sealer.unseal(sealed)).toThrowError(
        expect.objectContaining({ code: 'vault/sealed-elsewhere' }),
      );
      await fleet.close();
    });

    test('without its key is not given a new one in silence', async () => {
      rmSync(agentPaths(copy).tpmKey);
      await expect(openAgent(agentPaths(copy), choice(other))).rejects.toMatchObject({
        code: 'store/corrupt',
        message: expect.stringContaining('its key is gone'),
      });
    });
  },
);
