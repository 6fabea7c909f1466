import { X509Certificate } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import { type Enrolment, IssuedCertificate } from './enrolment.ts';
import type { KeyProvider } from './key-provider.ts';
import { postJson } from './post-json.ts';

/** Retry a failed renewal after 1–2 minutes: certificates live for a day, so there is time. */
const RETRY_MS = 60_000;
const RenewedCertificate = IssuedCertificate.pick({ certificate: true, renewAfter: true });
/** setTimeout's own limit. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/**
 * Asks for a fresh certificate with the current one (mutual TLS).
 * The root, the organisation and the policy keys stay those of the enrolment: an answer on the network
 * never widens what this device trusts.
 */
export async function renew(enrolment: Enrolment, keys: KeyProvider): Promise<Enrolment> {
  const answer = await postJson(
    new URL('/v1/renew', enrolment.server),
    { csr: await keys.createCsr() },
    keys.tlsIdentity(enrolment.certificate, enrolment.ca),
  );
  const issued = RenewedCertificate.safeParse(answer);
  if (!issued.success) {
    throw new RaypherError('link/protocol', 'The control plane answered a renewal with something else.', {
      cause: issued.error,
    });
  }
  const { certificate, renewAfter } = issued.data;
  return { ...enrolment, certificate, renewAfter };
}

/** Milliseconds until the certificate stops being valid; negative when it has expired. */
export function remainingValidityMs(enrolment: Enrolment, now = Date.now()): number {
  return new X509Certificate(enrolment.certificate).validToDate.getTime() - now;
}

/**
 * Milliseconds until the next renewal: from `renewAfter` on, spread over a tenth of what remains, so that
 * devices enrolled together do not renew together.
 */
export function renewalDelayMs(enrolment: Enrolment, now = Date.now(), random = Math.random()): number {
  const due = Date.parse(enrolment.renewAfter) - now;
  const spread = Math.max(0, remainingValidityMs(enrolment, now) - Math.max(0, due)) * 0.1;
  return Math.min(LONGEST_WAIT_MS, Math.max(0, due) + Math.round(spread * random));
}

export interface RenewalLoopOptions {
  enrolment: () => Enrolment;
  keys: KeyProvider;
  /** Called with each renewed enrolment; stores it and reconnects. */
  renewed: (enrolment: Enrolment) => void;
  failed: (error: unknown) => void;
}

/** Renews for as long as it runs. Returns how to stop. */
export function startRenewalLoop({ enrolment, keys, renewed, failed }: RenewalLoopOptions): () => void {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const schedule = (delay: number): void => {
    if (stopped) return;
    timer = setTimeout(attempt, delay);
    timer.unref();
  };
  const attempt = (): void => {
    renew(enrolment(), keys)
      .then((fresh) => {
        if (stopped) return;
        renewed(fresh);
        schedule(Math.max(1000, renewalDelayMs(fresh)));
      })
      // What is renewed but cannot be stored has failed as well.
      .catch((error: unknown) => {
        failed(error);
        schedule(RETRY_MS * (1 + Math.random()));
      });
  };
  schedule(renewalDelayMs(enrolment()));
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
