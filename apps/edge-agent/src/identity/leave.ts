import type { Enrolment } from './enrolment.ts';
import type { KeyProvider } from './key-provider.ts';
import { postJson } from './post-json.ts';

/** Somebody waits at a terminal, and a control plane that is gone must not keep them. */
const LEAVE_WITHIN_MS = 10_000;

/**
 * Tells the control plane that this device gives up its identity, proving it with that identity (mutual TLS).
 * Afterwards it is refused there; nothing changes on this machine.
 *
 * @throws RaypherError `link/unreachable` within ten seconds, or the control plane's refusal: `device/revoked` when
 * the identity was taken away already
 */
export async function leave(enrolment: Enrolment, keys: KeyProvider, proxy?: URL): Promise<void> {
  await postJson(
    new URL('/v1/leave', enrolment.server),
    {},
    keys.tlsIdentity(enrolment.certificate, enrolment.ca),
    { timeoutMs: LEAVE_WITHIN_MS, proxy },
  );
}
