import { randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { parsePublicKey } from '@raypher/shared/attestation';
import { EnrolChallenge, type EnrolProof, type TpmEvidence } from '@raypher/shared/rest';
import { tpmUnavailable } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpsAnswer, postJson } from '../testing/https-request.ts';
import { Installation } from '../testing/installation.ts';
import { createDeviceKey, DEVICE_FACTS } from '../testing/test-device.ts';
import { ToolTpm } from '../testing/tool-tpm.ts';

const FACTS = { ...DEVICE_FACTS, identityClass: 'tpm' } as const;

let installation: Installation;
let admin: pg.Client;
let tpm: ToolTpm;
let other: ToolTpm;

if (tpmUnavailable !== undefined) console.warn(tpmUnavailable);

describe.skipIf(tpmUnavailable !== undefined)('enrolment with a TPM', () => {
  beforeAll(async () => {
    [installation, tpm, other] = await Promise.all([Installation.start(), ToolTpm.start(), ToolTpm.start()]);
    admin = new pg.Client({ connectionString: installation.database.adminUrl });
    await admin.connect();
  });

  afterAll(async () => {
    await admin?.end();
    await Promise.all([tpm?.stop(), other?.stop(), installation?.stop()]);
  });

  async function ask(token: string, evidence: TpmEvidence): Promise<EnrolChallenge> {
    const { status, body } = await postJson(installation.tlsPort, '/v1/enroll/challenge', {
      token,
      tpm: evidence,
    });
    if (status !== 201) throw new Error(JSON.stringify(body));
    return EnrolChallenge.parse(body);
  }

  function enrol(token: string, csr: string, proof: EnrolProof): Promise<HttpsAnswer> {
    return postJson(installation.tlsPort, '/v1/enroll', { token, csr, device: FACTS, tpm: proof });
  }

  /** An answer to a fresh challenge, changed in one respect. */
  async function attack(
    change: (proof: EnrolProof, challenge: EnrolChallenge) => EnrolProof | Promise<EnrolProof>,
    csr?: string,
  ): Promise<HttpsAnswer['body']['error']> {
    const token = await installation.createToken();
    const challenge = await ask(token, await tpm.evidence());
    const proof = await change(await tpm.answer(challenge), challenge);
    const { body } = await enrol(token, csr ?? (await tpm.request()), proof);
    const { rows } = await admin.query(
      `SELECT uses, (SELECT count(*)::int FROM devices WHERE enrolled_with = t.id) AS devices
        FROM enrolment_tokens t WHERE id = $1::uuid`,
      [token.split('.')[1]],
    );
    expect(rows).toEqual([{ uses: 0, devices: 0 }]);
    return body.error;
  }

  describe('refuses', () => {
    it('an answer that was given before', async () => {
      const token = await installation.createToken();
      const challenge = await ask(token, await tpm.evidence());
      const proof = await tpm.answer(challenge);
      const csr = await tpm.request();
      // The first fails for another reason, and uses the challenge up all the same.
      const wrong = { ...proof, secret: randomBytes(32).toString('base64') };
      expect((await enrol(token, csr, wrong)).body.error?.code).toBe('enrolment/attestation-refused');
      expect((await enrol(token, csr, proof)).body.error?.code).toBe('enrolment/challenge-unknown');
    });

    it('a challenge that was never made, one of another token, and an old one', async () => {
      expect(await attack((proof) => ({ ...proof, challenge: randomUUID() }))).toMatchObject({
        code: 'enrolment/challenge-unknown',
      });
      const theirs = await ask(await installation.createToken(), await tpm.evidence());
      expect(await attack((proof) => ({ ...proof, challenge: theirs.challenge }))).toMatchObject({
        code: 'enrolment/challenge-unknown',
      });
      const expired = attack(async (proof, { challenge }) => {
        await admin.query('UPDATE enrolment_challenges SET expires_at = now() WHERE id = $1', [challenge]);
        return proof;
      });
      expect(await expired).toMatchObject({ code: 'enrolment/challenge-unknown' });
    });

    it('the same challenge to two who answer at once, but one', async () => {
      const token = await installation.createToken();
      const proof = await tpm.answer(await ask(token, await tpm.evidence()));
      const wrong = { ...proof, secret: randomBytes(32).toString('base64') };
      const csr = await tpm.request();
      const answers = await Promise.all(Array.from({ length: 5 }, () => enrol(token, csr, wrong)));
      const codes = answers.map(({ body }) => body.error?.code);
      expect(codes.filter((code) => code === 'enrolment/attestation-refused')).toHaveLength(1);
      expect(codes.filter((code) => code === 'enrolment/challenge-unknown')).toHaveLength(4);
    });

    it('another secret', async () => {
      const error = await attack((proof) => ({ ...proof, secret: randomBytes(32).toString('base64') }));
      expect(error).toMatchObject({
        code: 'enrolment/attestation-refused',
        message: 'The secret is not the one that the credential held.',
      });
    });

    it('an attestation key put in the place of the one that was challenged', async () => {
      // The attacker's TPM says everything; only the secret cannot be had.
      const error = await attack(async (proof, challenge) => ({
        ...proof,
        ...(await other.quote(challenge)),
        certification: await other.certify(Buffer.from(challenge.nonce, 'base64')),
      }));
      expect(error).toMatchObject({ code: 'enrolment/attestation-refused' });
      const evidence = await other.evidence();
      const token = await installation.createToken();
      const swapped = await ask(token, {
        ...(await tpm.evidence()),
        attestationKey: evidence.attestationKey,
      });
      await expect(tpm.activate(swapped.credential)).rejects.toThrow();
    });

    it('the endorsement key of a machine that one does not have', async () => {
      const evidence = { ...(await tpm.evidence()), endorsementKey: (await other.evidence()).endorsementKey };
      const challenge = await ask(await installation.createToken(), evidence);
      await expect(tpm.activate(challenge.credential)).rejects.toThrow();
      await expect(other.activate(challenge.credential)).rejects.toThrow();
    });

    it('a certificate request for another key', async () => {
      const { csr } = await createDeviceKey();
      expect(await attack((proof) => proof, csr)).toMatchObject({
        code: 'enrolment/attestation-refused',
        message: 'The certificate request is for another key than the one in the TPM.',
      });
    });

    it('a certification that was made for another nonce', async () => {
      const error = await attack(async (proof) => ({
        ...proof,
        certification: await tpm.certify(randomBytes(32)),
      }));
      expect(error).toMatchObject({
        code: 'enrolment/attestation-refused',
        message: expect.stringContaining('not made for this challenge'),
      });
    });

    it('a quote of yesterday', async () => {
      const nonce = randomBytes(32).toString('base64');
      const error = await attack(async (proof, challenge) => ({
        ...proof,
        ...(await tpm.quote({ ...challenge, nonce })),
      }));
      expect(error).toMatchObject({
        code: 'enrolment/attestation-refused',
        message: expect.stringContaining('not made for this challenge'),
      });
    });

    it('PCR values that the quote is not about', async () => {
      const error = await attack((proof) => ({ ...proof, pcrs: { ...proof.pcrs, 7: 'ff'.repeat(32) } }));
      expect(error).toMatchObject({ message: expect.stringContaining('the PCRs have other values') });
    });

    it('a quote of fewer PCRs than were asked for', async () => {
      const error = await attack(async (proof, challenge) => ({
        ...proof,
        ...(await tpm.quote({ ...challenge, pcrs: [0] })),
      }));
      expect(error).toMatchObject({ message: expect.stringContaining('it is about other PCRs') });
    });

    it('a quote where a certification belongs', async () => {
      const error = await attack((proof) => ({ ...proof, certification: proof.quote }));
      expect(error).toMatchObject({ message: expect.stringContaining('it says something else') });
    });

    it('a device key that could leave its TPM', async () => {
      const leaky = await ToolTpm.start({ deviceKey: 'sensitivedataorigin|userwithauth|sign' });
      try {
        const { body } = await postJson(installation.tlsPort, '/v1/enroll/challenge', {
          token: await installation.createToken(),
          tpm: await leaky.evidence(),
        });
        expect(body.error).toMatchObject({
          code: 'enrolment/attestation-refused',
          message: expect.stringContaining('no device key'),
        });
      } finally {
        await leaky.stop();
      }
    });

    it('a device key in the place of the attestation key, which signs whatever it is given', async () => {
      const evidence = await tpm.evidence();
      const { body } = await postJson(installation.tlsPort, '/v1/enroll/challenge', {
        token: await installation.createToken(),
        tpm: { ...evidence, attestationKey: evidence.deviceKey },
      });
      expect(body.error?.code).toBe('enrolment/attestation-refused');
    });

    it('one who has no TPM and answers as if, and one who has one and does not answer', async () => {
      const token = await installation.createToken();
      const proof = await tpm.answer(await ask(token, await tpm.evidence()));
      const { csr } = await createDeviceKey();
      const software = await postJson(installation.tlsPort, '/v1/enroll', {
        ...{ token, csr, tpm: proof },
        device: DEVICE_FACTS,
      });
      expect(software.body.error?.code).toBe('enrolment/attestation-refused');
      const silent = await postJson(installation.tlsPort, '/v1/enroll', { token, csr, device: FACTS });
      expect(silent.body.error?.code).toBe('enrolment/attestation-refused');
    });

    it('what is larger than any TPM says', async () => {
      const evidence = await tpm.evidence();
      const token = await installation.createToken();
      for (const change of [
        { endorsementCertificate: Buffer.alloc(5_000).toString('base64') },
        { endorsementChain: Array(9).fill(Buffer.alloc(16).toString('base64')) },
        { attestationKey: Buffer.alloc(600).toString('base64') },
        { surprise: 'AAAA' },
      ]) {
        const tpmEvidence = { ...evidence, ...change };
        const answer = await postJson(installation.tlsPort, '/v1/enroll/challenge', {
          token,
          tpm: tpmEvidence,
        });
        expect([answer.status, answer.body.error?.code]).toEqual([400, 'request/invalid']);
      }
    });
  });

  it('turns a TPM into a device whose certificate is for the key inside', async () => {
    const token = await installation.createToken();
    const challenge = await ask(token, await tpm.evidence());
    const { status, body } = await enrol(token, await tpm.request(), await tpm.answer(challenge));
    expect([status, body.status, body.identityClass]).toEqual([201, 'active', 'unverified']);
    const certificate = new X509Certificate(String(body.certificate));
    const deviceKey = parsePublicKey(Buffer.from((await tpm.evidence()).deviceKey, 'base64'));
    expect(certificate.publicKey.equals(deviceKey)).toBe(true);
    const { rows } = await admin.query(
      `SELECT '000b' || encode(sha256(tpm_ak_public), 'hex') AS name, tpm_pcrs, tpm_reset_count > 0 AS counted
        FROM devices WHERE id = $1`,
      [body.device],
    );
    expect(rows).toMatchObject([{ name: await tpm.attestationKeyName(), counted: true }]);
    expect(Object.keys(rows[0].tpm_pcrs)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  it('gives a TPM that lost the answer the same identity, without another use', async () => {
    const token = await installation.createToken({ maxUses: 1 });
    await tpm.renewKeys();
    await admin.query(`UPDATE devices SET status = 'revoked' WHERE tpm_ek_key IS NOT NULL`);
    const once = async () =>
      enrol(token, await tpm.request(), await tpm.answer(await ask(token, await tpm.evidence())));
    const [first, second] = [await once(), await once()];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.device).toBe(first.body.device);
  });

  it('pauses both when a TPM enrols again with other keys while its device lives', async () => {
    await admin.query(`UPDATE devices SET status = 'revoked' WHERE tpm_ek_key IS NOT NULL`);
    const token = await installation.createToken();
    const join = async () => {
      await other.renewKeys();
      const proof = await other.answer(await ask(token, await other.evidence()));
      return enrol(token, await other.request(), proof);
    };
    const original = await join();
    expect(original.body.status).toBe('active');
    const clone = await join();
    expect([clone.status, clone.body.status]).toEqual([201, 'paused']);
    const { rows } = await admin.query(
      `SELECT id, status, (SELECT array_agg(kind) FROM alerts WHERE device_id = d.id) AS alerts FROM devices d
        WHERE enrolled_with = $1::uuid ORDER BY enrolled_at`,
      [token.split('.')[1]],
    );
    expect(rows).toEqual([
      { id: original.body.device, status: 'paused', alerts: ['device/cloned'] },
      { id: clone.body.device, status: 'paused', alerts: ['device/cloned'] },
    ]);
  });
});
