import { X509Certificate } from 'node:crypto';
import { type ErrorCode, RaypherError } from '@raypher/shared';
import { type Enrolment, IssuedCertificate } from './enrolment.ts';
import type { KeyProvider } from './key-provider.ts';
import { machineFacts } from './machine-facts.ts';
import { postJson } from './post-json.ts';
import { proveForRenewal } from './tpm-proof.ts';

/** Retry a failed renewal after 1–2 minutes: certificates live for a day, so there is time. */
const RETRY_MS = 60_000;
/** After 5–10 minutes when a person has to decide something first. */
const RETRY_AFTER_DECISION_MS = 300_000;
/** Refusals that end when a person has done something, not when the network is back. */
const NEED_A_PERSON: readonly ErrorCode[] = [
  'device/pending',
  'device/paused',
  'device/revoked',
  'device/other-machine',
  'device/attestation-refused',
  'device/identity-mismatch',
  'device/certificate-unknown',
  'device/certificate-expired',
  'tpm/cleared',
];
const RenewedCertificate = IssuedCertificate.pick({ certificate: true, renewAfter: true });
/** Timers stand still while a laptop sleeps, certificates do not: the clock is looked at this often. */
const LOOK_EVERY_MS = 60_000;

/** Whether trying again is useless until a person has decided or repaired something. */
export function needsPerson(error: unknown): error is RaypherError {
  return error instanceof RaypherError && NEED_A_PERSON.includes(error.code);
}

/**
 * Asks for a fresh certificate with the current one (mutual TLS). A key in a TPM comes with a fresh statement about
 * the machine's state.
 *
 * The root, the organisation and the policy keys stay those of the enrolment: an answer on the network
 * never widens what this device trusts.
 *
 * @param proxy that the control plane is reached through
 */
export async function renew(enrolment: Enrolment, keys: KeyProvider, proxy?: URL): Promise<Enrolment> {
  const tls = keys.tlsIdentity(enrolment.certificate, enrolment.ca);
  const { attester } = keys;
  const challenge =
    attester === undefined
      ? undefined
      : await postJson(new URL('/v1/renew/challenge', enrolment.server), {}, tls, { proxy });
  const answer = await postJson(
    new URL('/v1/renew', enrolment.server),
    {
      csr: await keys.createCsr(),
      bootId: machineFacts().bootId,
      ...(attester === undefined ? {} : { tpm: proveForRenewal(attester, challenge) }),
    },
    tls,
    { proxy },
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

/** When the current certificate holds. */
export function certificateValidity(enrolment: Enrolment): { from: Date; to: Date } {
  const { validFromDate: from, validToDate: to } = new X509Certificate(enrolment.certificate);
  return { from, to };
}

/** Milliseconds until the certificate stops being valid; negative when it has expired. */
export function remainingValidityMs(enrolment: Enrolment, now = Date.now()): number {
  return certificateValidity(enrolment).to.getTime() - now;
}

/**
 * Milliseconds until the next renewal: from `renewAfter` on, spread over a tenth of what remains, so that
 * devices enrolled together do not renew together.
 */
export function renewalDelayMs(enrolment: Enrolment, now = Date.now(), random = Math.random()): number {
  const due = Date.parse(enrolment.renewAfter) - now;
  const spread = Math.max(0, remainingValidityMs(enrolment, now) - Math.max(0, due)) * 0.1;
  return Math.max(0, due) + Math.round(spread * random);
}

export interface RenewalLoopOptions {
  enrolment: () => Enrolment;
  keys: KeyProvider;
  /** That the control plane is reached through. */
  proxy?: URL | undefined;
  /** Called with each renewed enrolment; stores it and reconnects. */
  renewed: (enrolment: Enrolment) => void;
  failed: (error: unknown) => void;
}

/** Renews for as long as it runs. Returns how to stop. */
export function startRenewalLoop({
  enrolment,
  keys,
  proxy,
  renewed,
  failed,
}: RenewalLoopOptions): () => void {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const schedule = (delay: number): void => {
    const due = Date.now() + delay;
    const wait = (): void => {
      if (stopped) return;
      const left = due - Date.now();
      timer = setTimeout(left > 0 ? wait : attempt, Math.min(Math.max(0, left), LOOK_EVERY_MS));
      timer.unref();
    };
    wait();
  };
  const attempt = (): void => {
    renew(enrolment(), keys, proxy)
      .then((fresh) => {
        if (stopped) return;
        renewed(fresh);
        schedule(Math.max(1000, renewalDelayMs(fresh)));
      })
      // What is renewed but cannot be stored has failed as well.
      .catch((error: unknown) => {
        if (stopped) return;
        failed(error);
        schedule((needsPerson(error) ? RETRY_AFTER_DECISION_MS : RETRY_MS) * (1 + Math.random()));
      });
  };
  schedule(renewalDelayMs(enrolment()));
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
