import { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import { setDefaultCACertificates } from 'node:tls';
import type { RaypherError } from '@raypher/shared';
import { runningExecutable } from '../callers/running-program.ts';
import { ExecutableHasher } from '../discovery/exe-hash.ts';
import { writePrivateFile } from '../identity/private-file.ts';
import { openAuthority } from '../interception/authority-store.ts';
import type { CertificateAuthority } from '../interception/certificate-authority.ts';
import type { InterceptionOptions } from '../interception/interception.ts';
import { rootEvent } from '../interception/root-event.ts';
import { clientBundle, upstreamRoots } from '../interception/trusted-roots.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { asRaypherError } from '../uplink/desired-state.ts';
import type { Vault } from '../vault/vault.ts';
import type { AgentPaths } from './paths.ts';
import type { ServiceStatus } from './service-status.ts';

/** This machine's certificate authority, or why there is none. */
export type OpenedInterception =
  | { authority: CertificateAuthority; programOf: InterceptionOptions['programOf'] }
  | { fault: RaypherError | undefined };

/**
 * Opens or makes this machine's root; an agent without a vault has nothing to keep its key in.
 *
 * @param vault undefined on a machine that is no member of an organisation
 */
export async function openInterception(
  vault: Vault | undefined,
  paths: Pick<AgentPaths, 'authority' | 'trustBundle'>,
  record: (event: EventDraft) => void,
): Promise<OpenedInterception> {
  if (vault === undefined) return { fault: undefined };
  try {
    const { authority, made } = await openAuthority(paths.authority, vault, hostname());
    if (made !== undefined) record(rootEvent(authority.certificate, made));
    writePrivateFile(paths.trustBundle, clientBundle(authority.certificate));
    // For every connection of this process that does not name its own: those of the proxy to upstreams.
    setDefaultCACertificates(upstreamRoots(authority.certificate));
    return { authority, programOf: programOf() };
  } catch (error) {
    return { fault: asRaypherError(error) };
  }
}

/** Programs are told apart by their bytes; one that cannot be found or read is one with all others like it. */
function programOf(): InterceptionOptions['programOf'] {
  const hasher = new ExecutableHasher();
  return async ({ process }) => {
    const found = process === undefined ? undefined : await runningExecutable(process, hasher);
    return found?.sha256 ?? 'unknown';
  };
}

/** What programs need to know to be intercepted; null where nothing is. */
export function interceptionStatus(
  opened: OpenedInterception,
  bundle: string,
): ServiceStatus['interception'] {
  if ('fault' in opened) return null;
  const { certificate, fingerprint } = opened.authority;
  return {
    certificate,
    fingerprint,
    expiresAt: new X509Certificate(certificate).validToDate.toISOString(),
    bundle,
  };
}
