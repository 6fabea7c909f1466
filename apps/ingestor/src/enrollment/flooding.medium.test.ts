import { randomBytes, randomUUID } from 'node:crypto';
import { ControlPlane, enrolWithTpm, SimulatedTpm } from '@raypher/swarm';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postJson } from '../testing/https-request.ts';
import { Installation } from '../testing/installation.ts';
import { MEMBER_FACTS, TpmMember } from '../testing/tpm-member.ts';
import { MAX_OPEN_PER_TOKEN } from './challenges.service.ts';

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

it('whoever has a token keeps nobody from enrolling with it by leaving challenges unanswered', async () => {
  const token = await installation.createToken();
  const open = async () => {
    const tpm = new SimulatedTpm().evidence();
    return postJson(installation.tlsPort, '/v1/enroll/challenge', { token, tpm });
  };
  const first = await open();
  await admin.query(
    `INSERT INTO enrolment_challenges
        (organisation_id, token_id, nonce, pcrs, secret_hash, evidence, evidence_digest, created_at, expires_at)
      SELECT organisation_id, token_id, nonce, pcrs, secret_hash, evidence, evidence_digest, created_at,
          expires_at + make_interval(secs => n)
        FROM enrolment_challenges, generate_series(1, $1) n WHERE id = $2`,
    [MAX_OPEN_PER_TOKEN, first.body.challenge],
  );
  expect((await open()).status).toBe(201);
  const { rows } = await admin.query(
    'SELECT count(*)::int AS open, bool_or(id = $1) AS oldest FROM enrolment_challenges',
    [first.body.challenge],
  );
  expect(rows).toEqual([{ open: MAX_OPEN_PER_TOKEN, oldest: false }]);
});

it('a stranger behind the address of an office keeps none of its devices from renewing', async () => {
  const member = await TpmMember.enrol(installation);
  const guess = () => postJson(installation.tlsPort, '/v1/renew', { csr: 'none', bootId: randomUUID() });
  let refusal: string | undefined;
  for (let attempt = 0; attempt < 100 && refusal !== 'request/rate-limited'; attempt += 1) {
    refusal = (await guess()).body.error?.code;
  }
  expect(refusal).toBe('request/rate-limited');
  expect((await member.renew()).status).toBe(201);
});

it('a device that asks without end is told to wait, and keeps its neighbours from nothing', async () => {
  const [noisy, neighbour] = [await TpmMember.enrol(installation), await TpmMember.enrol(installation)];
  const answers = await Promise.all(Array.from({ length: 120 }, () => noisy.post('/v1/renew/challenge')));
  const codes = new Set(answers.map(({ body }) => body.error?.code));
  expect(codes).toEqual(new Set([undefined, 'request/rate-limited']));
  expect((await neighbour.renew()).status).toBe(201);
});

it('nobody has a device of somebody else paused with the public part of its endorsement key', async () => {
  const member = await TpmMember.enrol(installation);
  const stranger = new SimulatedTpm();
  const { endorsementKey } = member.tpm.evidence();
  const evidence = stranger.evidence();
  stranger.evidence = () => ({ ...evidence, endorsementKey });
  const server = new URL(`https://localhost:${installation.tlsPort}`);
  const controlPlane = await ControlPlane.reach(server, await installation.createToken());
  // What only the endorsement key's owner can open is guessed.
  stranger.activate = () => randomBytes(32);
  await expect(enrolWithTpm(controlPlane, stranger, MEMBER_FACTS)).rejects.toMatchObject({
    code: 'enrolment/attestation-refused',
  });
  await controlPlane.close();
  expect(await member.row()).toEqual({ status: 'active', history: ['enrolled'], alerts: [] });
});
