import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import { AGENT_VERSION } from '../version.ts';
import { Enrolment, IssuedCertificate } from './enrolment.ts';
import { parseEnrolmentToken } from './enrolment-token.ts';
import type { KeyProvider } from './key-provider.ts';
import { machineFacts } from './machine-facts.ts';
import { fetchPinnedRoot } from './pinned-root.ts';
import { postJson } from './post-json.ts';

const EnrolAnswer = IssuedCertificate.extend({
  device: z.uuid(),
  organisation: z.object({ id: z.uuid(), name: z.string() }),
});

/**
 * Makes this machine a member of an organisation.
 *
 * The server proves itself first (the token names its root CA); only then is the token sent.
 *
 * @param server origin of the control plane, https
 * @param tokenText `rpt1.…`, a secret that works once
 */
export async function enroll(server: URL, tokenText: string, keys: KeyProvider): Promise<Enrolment> {
  if (server.protocol !== 'https:') {
    throw new RaypherError('request/invalid', 'The control plane must be reached over https.', {
      hint: `Use https://${server.host}.`,
    });
  }
  const token = parseEnrolmentToken(tokenText);
  const root = await fetchPinnedRoot(server, token.pin);
  const { hostname, os, kernel, arch, machineId } = machineFacts();
  const answer = await postJson(
    new URL('/v1/enroll', server),
    {
      token: token.text,
      csr: await keys.createCsr(),
      device: {
        hostname,
        os,
        kernel,
        arch,
        agentVersion: AGENT_VERSION,
        machineId,
        identityClass: keys.identityClass,
      },
    },
    { ca: root, minVersion: 'TLSv1.2' },
  );
  const issued = EnrolAnswer.safeParse(answer);
  if (!issued.success) {
    throw new RaypherError('link/protocol', 'The control plane answered something else than an enrolment.', {
      hint: 'Check that agent and control plane have matching versions.',
      cause: issued.error,
    });
  }
  return Enrolment.parse({
    version: 1,
    server: server.origin,
    enrolledAt: new Date().toISOString(),
    ...issued.data,
    // The root that the token named, whatever the answer says: trust is not widened by an answer.
    ca: root,
  });
}
