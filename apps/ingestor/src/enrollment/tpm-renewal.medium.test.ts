import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { EnrolChallenge } from '@raypher/shared/rest';
import { tpmUnavailable } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NUDGE_CHANNEL } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { postJson } from '../testing/https-request.ts';
import { Installation } from '../testing/installation.ts';
import { ToolTpm } from '../testing/tool-tpm.ts';
import { MEMBER_FACTS as FACTS, TpmMember } from '../testing/tpm-member.ts';
import { RenewalService } from './renewal.service.ts';

let installation: Installation;
let admin: pg.Client;

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});

afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

if (tpmUnavailable !== undefined) console.warn(tpmUnavailable);

describe('renewal of a device with a TPM', () => {
  it('takes a quote, and writes nothing into its history while nothing changed', async () => {
    const member = await TpmMember.enrol(installation);
    expect((await member.renew()).status).toBe(201);
    expect(await member.row()).toEqual({ status: 'active', history: ['enrolled'], alerts: [] });
  });

  it('is refused without a quote', async () => {
    const member = await TpmMember.enrol(installation);
    expect((await member.renewPlainly()).body.error?.code).toBe('device/attestation-required');
  });

  it('is refused with a quote that was used before', async () => {
    const member = await TpmMember.enrol(installation);
    const quote = member.quote(await member.challenge());
    expect((await member.renew({ tpm: quote })).status).toBe(201);
    expect((await member.renew({ tpm: quote })).body.error?.code).toBe('enrolment/challenge-unknown');
  });

  it('is refused with the quote of another TPM, and with a challenge of another device', async () => {
    const [member, other] = [await TpmMember.enrol(installation), await TpmMember.enrol(installation)];
    const stolen = other.quote(await member.challenge());
    expect((await member.renew({ tpm: stolen })).body.error).toMatchObject({
      code: 'device/attestation-refused',
      message: expect.stringContaining('its signature is wrong'),
    });
    const theirs = member.quote(await other.challenge());
    expect((await member.renew({ tpm: theirs })).body.error?.code).toBe('enrolment/challenge-unknown');
  });

  it('notes a reboot and changed PCRs, and raises an alert when firmware or Secure Boot changed', async () => {
    const member = await TpmMember.enrol(installation);
    member.tpm.resetCount += 1;
    member.tpm.extend(4, Buffer.from('another boot loader'));
    expect((await member.renew()).status).toBe(201);
    expect(await member.row()).toEqual({
      status: 'active',
      history: ['enrolled', 'rebooted', 'pcrs-changed'],
      alerts: [],
    });
    member.tpm.extend(7, Buffer.from('Secure Boot off'));
    expect((await member.renew()).status).toBe(201);
    expect(await member.row()).toMatchObject({ status: 'active', alerts: ['device/pcrs-changed'] });
  });

  it.each([
    ['reset', { resetCount: 6, restartCount: 9 }],
    ['restart', { resetCount: 7, restartCount: 1 }],
  ])('pauses a device whose TPM counts fewer starts than before (%s)', async (_what, back) => {
    const member = await TpmMember.enrol(installation);
    Object.assign(member.tpm, { resetCount: 7, restartCount: 2 });
    expect((await member.renew()).status).toBe(201);
    Object.assign(member.tpm, back);
    expect((await member.renew()).body.error?.code).toBe('device/paused');
    const row = await member.row();
    expect(row).toMatchObject({ status: 'paused', alerts: ['device/cloned'] });
    expect(row.history.slice(-2)).toEqual(['cloned', 'paused']);
    expect((await member.post('/v1/renew/challenge')).body.error?.code).toBe('device/paused');
  });

  it('pauses a device when a boot comes back that another had replaced', async () => {
    const member = await TpmMember.enrol(installation);
    expect((await member.renew({ bootId: 'second-boot' })).status).toBe(201);
    expect((await member.renew({ bootId: FACTS.bootId })).body.error?.code).toBe('device/paused');
    expect(await member.row()).toMatchObject({ status: 'paused', alerts: ['device/cloned'] });
  });

  it('tells the link at once about a device that it paused', async () => {
    const listener = installation.api.get(RedisConnections).connect('test');
    // The channel is common to all who use this Redis.
    const nudges: unknown[] = [];
    listener.on('message', (_channel, text) => nudges.push(JSON.parse(text)));
    await listener.subscribe(NUDGE_CHANNEL);
    const member = await TpmMember.enrol(installation);
    member.tpm.resetCount = 0;
    expect((await member.renew()).body.error?.code).toBe('device/paused');
    await expect
      .poll(() => nudges)
      .toContainEqual(expect.objectContaining({ topic: 'standing', device: member.id }));
    listener.disconnect();
  });

  it('has no challenge for a device without a TPM, which cannot begin to quote either', async () => {
    const device = await installation.enrolDevice();
    const identity = { key: device.keyPem, cert: device.certificate };
    const challenge = await postJson(installation.tlsPort, '/v1/renew/challenge', {}, identity);
    expect(challenge.body.error?.code).toBe('request/conflict');
    const member = await TpmMember.enrol(installation);
    const tpm = member.quote(await member.challenge());
    const renewal = await postJson(installation.tlsPort, '/v1/renew', { csr: device.csr, tpm }, identity);
    expect(renewal.body.error?.code).toBe('device/attestation-refused');
  });
});

describe.skipIf(tpmUnavailable !== undefined)('renewal with a real TPM', () => {
  it('counts on after a loss of power, and sees what was measured', async () => {
    const tpm = await ToolTpm.start();
    try {
      const token = await installation.createToken();
      const asked = await postJson(installation.tlsPort, '/v1/enroll/challenge', {
        token,
        tpm: await tpm.evidence(),
      });
      const proof = await tpm.answer(EnrolChallenge.parse(asked.body));
      const csr = await tpm.request();
      const enrolled = await postJson(installation.tlsPort, '/v1/enroll', {
        token,
        csr,
        device: FACTS,
        tpm: proof,
      });
      await tpm.tpm.powerCycle();
      await tpm.extend(7);
      // The handshake is left out: its key does not leave the TPM, and this process has no provider for it.
      const { raw, subjectAltName = '' } = new X509Certificate(String(enrolled.body.certificate));
      const peer = { raw, subjectaltname: subjectAltName } as PeerCertificate;
      const renewal = installation.api.get(RenewalService, { strict: false });
      const quote = await tpm.quote(await renewal.challenge(peer));
      await renewal.renew(peer, { csr, tpm: quote });
      const { rows } = await admin.query(
        'SELECT kind, detail FROM device_identity_events WHERE device_id = $1 ORDER BY id',
        [enrolled.body.device],
      );
      expect(rows.map(({ kind }) => kind)).toEqual(['enrolled', 'rebooted', 'pcrs-changed']);
      expect(rows[2].detail).toBe('PCR 7 changed since the last quote.');
    } finally {
      await tpm.stop();
    }
  });
});

describe('leaving', () => {
  it('ends the identity of a device that says so itself', async () => {
    const member = await TpmMember.enrol(installation);
    expect((await member.post('/v1/leave')).status).toBe(201);
    expect(await member.row()).toMatchObject({ status: 'revoked', history: ['enrolled', 'left'] });
    expect((await member.post('/v1/leave')).body.error?.code).toBe('device/revoked');
    expect((await member.post('/v1/renew/challenge')).body.error?.code).toBe('device/revoked');
    const { rows } = await admin.query(
      `SELECT count(*)::int AS audited FROM audit_entries WHERE action = 'device.leave' AND actor_id = $1`,
      [member.id],
    );
    expect(rows).toEqual([{ audited: 1 }]);
  });

  it('is not for a paused device, which could shake off a suspicion that way', async () => {
    const member = await TpmMember.enrol(installation);
    await admin.query(`UPDATE devices SET status = 'paused' WHERE id = $1`, [member.id]);
    expect((await member.post('/v1/leave')).body.error?.code).toBe('device/paused');
  });

  it('needs a certificate that is still good; an expired one is good for its renewal alone, and not for ever', async () => {
    const member = await TpmMember.enrol(installation);
    const ends = (when: string) =>
      admin.query('UPDATE device_certificates SET not_after = now() + $2::interval WHERE device_id = $1', [
        member.id,
        when,
      ]);
    await ends('-1 second');
    expect((await member.post('/v1/leave')).body.error?.code).toBe('device/certificate-expired');
    expect(await member.row()).toMatchObject({ status: 'active', history: ['enrolled'] });
    await ends('-31 days');
    for (const path of ['/v1/leave', '/v1/renew/challenge']) {
      expect((await member.post(path)).body.error?.code, path).toBe('device/certificate-expired');
    }
    await ends('-29 days');
    const renewed = await member.renew();
    expect(renewed.status).toBe(201);
    expect((await member.post('/v1/leave')).body.error?.code).toBe('device/certificate-expired');
    const good = String(renewed.body.certificate);
    expect((await member.post('/v1/leave', {}, good)).status).toBe(201);
  });

  it('needs the certificate', async () => {
    const { body } = await postJson(installation.tlsPort, '/v1/leave', {});
    expect(body.error?.code).toBe('device/certificate-missing');
  });
});
