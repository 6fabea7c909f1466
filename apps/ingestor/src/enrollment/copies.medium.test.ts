import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeviceDecisionsService } from '../fleet/device-decisions.service.ts';
import { Installation } from '../testing/installation.ts';
import { TpmMember } from '../testing/tpm-member.ts';

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

describe('a copy of a device', () => {
  it('is not let past its counters by asking for the lost answer of its enrolment again', async () => {
    const member = await TpmMember.enrol(installation);
    member.tpm.resetCount = 7;
    expect((await member.renew()).status).toBe(201);
    member.tpm.resetCount = 3;
    expect(await member.enrolAgain()).toMatchObject({ device: member.id, status: 'paused' });
    expect(await member.row()).toMatchObject({ status: 'paused', alerts: ['device/cloned'] });
    expect(await pausesInAudit(member.id)).toEqual([
      { actor: 'control plane', before: 'active', after: 'paused' },
    ]);
  });

  it('is not let past its boots that way either', async () => {
    const member = await TpmMember.enrol(installation);
    expect((await member.renew({ bootId: 'second-boot' })).status).toBe(201);
    expect(await member.enrolAgain()).toMatchObject({ status: 'paused' });
  });

  it('cannot make its original’s boot forgotten by naming very many of its own', async () => {
    const member = await TpmMember.enrol(installation);
    await admin.query(
      `INSERT INTO device_boots (organisation_id, device_id, boot_id, replaced_at)
         SELECT organisation_id, id, 'made-up-' || n, now() FROM devices, generate_series(1, 256) n WHERE id = $1`,
      [member.id],
    );
    expect((await member.renew({ bootId: 'one-more' })).body.error?.code).toBe('device/paused');
    expect(await member.row()).toMatchObject({ status: 'paused', alerts: ['device/cloned'] });
  });
});

describe('an honest device that was taken for a copy', () => {
  it('comes back for good when it is resumed, although its TPM was cleared and counts from zero', async () => {
    const member = await TpmMember.enrol(installation);
    member.tpm.resetCount = 7;
    expect((await member.renew()).status).toBe(201);
    member.tpm.resetCount = 0;
    expect((await member.renew()).body.error?.code).toBe('device/paused');
    const decisions = installation.api.get(DeviceDecisionsService, { strict: false });
    await decisions.resume(await installation.caller(), member.id, { reason: 'Its TPM was cleared' });
    expect((await member.renew()).status).toBe(201);
    // From here on it is compared again.
    member.tpm.resetCount = 1;
    expect((await member.renew()).status).toBe(201);
    member.tpm.resetCount = 0;
    expect((await member.renew()).body.error?.code).toBe('device/paused');
  });
});

/** What the administrators' audit says about who paused a device. */
async function pausesInAudit(device: string) {
  const { rows } = await admin.query(
    `SELECT actor_name AS actor, before->>'status' AS before, after->>'status' AS after FROM audit_entries
      WHERE action = 'device.pause' AND after->>'id' = $1`,
    [device],
  );
  return rows;
}
