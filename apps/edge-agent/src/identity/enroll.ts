import { RaypherError } from '@raypher/shared';
import { DeviceStatus, IdentityClass } from '@raypher/shared/rest';
import { z } from 'zod';
import { AGENT_VERSION } from '../version.ts';
import { Enrolment, IssuedCertificate } from './enrolment.ts';
import { parseEnrolmentToken } from './enrolment-token.ts';
import type { KeyProvider } from './key-provider.ts';
import { machineFacts } from './machine-facts.ts';
import { fetchPinnedRoot } from './pinned-root.ts';
import { postJson } from './post-json.ts';
import { proveForEnrolment } from './tpm-proof.ts';

const EnrolAnswer = IssuedCertificate.extend({
  device: z.uuid(),
  status: DeviceStatus,
  identityClass: IdentityClass,
  organisation: z.object({ id: z.uuid(), name: z.string() }),
});

/** A control plane that has proven to be the one a token was made for. */
export interface PinnedServer {
  server: URL;
  /** The whole token. A secret. */
  token: string;
  /** PEM of the root that the token names. */
  root: string;
  /** That the control plane is reached through. */
  proxy: URL | undefined;
}

/**
 * Lets the server prove itself, before anything is shown to it or changed here.
 *
 * @param server origin of the control plane, https
 * @param tokenText `rpt1.…`, a secret
 * @param proxy that the control plane is reached through
 * @throws RaypherError `request/invalid`, `enrolment/pin-mismatch`, `link/unreachable`
 */
export async function pinServer(server: URL, tokenText: string, proxy?: URL): Promise<PinnedServer> {
  if (server.protocol !== 'https:') {
    throw new RaypherError('request/invalid', 'The control plane must be reached over https.', {
      hint: `Use https://${server.host}.`,
    });
  }
  const { text: token, pin } = parseEnrolmentToken(tokenText);
  return { server, token, root: await fetchPinnedRoot(server, pin, proxy), proxy };
}

/**
 * Makes this machine a member of an organisation.
 *
 * @throws RaypherError as {@link pinServer} and {@link enrollAt}
 */
export async function enroll(
  server: URL,
  tokenText: string,
  keys: KeyProvider,
  proxy?: URL,
): Promise<Enrolment> {
  return enrollAt(await pinServer(server, tokenText, proxy), keys);
}

/**
 * Makes this machine a member of an organisation of a server that has proven itself. A key in a TPM is proven to be there: the control plane asks what
 * only this TPM can answer, and only while it holds this key.
 *
 * @throws RaypherError `enrolment/…` with the control plane's reason, `tpm/…`, `link/…`
 */
export async function enrollAt(
  { server, token, root, proxy }: PinnedServer,
  keys: KeyProvider,
): Promise<Enrolment> {
  const tls = { ca: root, minVersion: 'TLSv1.2' } as const;
  const { attester } = keys;
  const challenge =
    attester === undefined
      ? undefined
      : await postJson(new URL('/v1/enroll/challenge', server), { token, tpm: attester.evidence() }, tls, {
          proxy,
        });
  const { hostname, os, kernel, arch, machineId, bootId } = machineFacts();
  const answer = await postJson(
    new URL('/v1/enroll', server),
    {
      token,
      csr: await keys.createCsr(),
      device: {
        hostname,
        os,
        kernel,
        arch,
        agentVersion: AGENT_VERSION,
        machineId,
        identityClass: keys.identityClass,
        bootId,
      },
      ...(attester === undefined ? {} : { tpm: proveForEnrolment(attester, challenge) }),
    },
    tls,
    { proxy },
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
