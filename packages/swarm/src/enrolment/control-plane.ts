import { setTimeout as delay } from 'node:timers/promises';
import { isErrorCode, RaypherError } from '@raypher/shared';
import {
  EnrolChallenge,
  type EnrolRequest,
  EnrolResponse,
  ErrorResponse,
  IssuedCertificate,
  type TpmEvidence,
} from '@raypher/shared/rest';
import { Agent, type Dispatcher, request } from 'undici';
import type { z } from 'zod';
import { type EnrolmentToken, parseEnrolmentToken } from './enrolment-token.ts';
import { fetchPinnedRoot } from './pinned-root.ts';

/** How often a rate-limited enrolment is tried again before it is an error. */
const MAX_ATTEMPTS = 240;
const DEFAULT_RETRY_MS = 250;

export interface ReachOptions {
  /** The address to come from, when this machine has several. */
  localAddress?: string;
}

/** The HTTPS side of the control plane: enrolment and renewal, over a few kept connections. */
export class ControlPlane {
  readonly origin: string;
  /** PEM of the installation's root CA: the one that the token's pin named. */
  readonly root: string;
  readonly #token: EnrolmentToken;
  readonly #connections: Agent;

  private constructor(origin: string, root: string, token: EnrolmentToken, from: ReachOptions) {
    this.origin = origin;
    this.root = root;
    this.#token = token;
    this.#connections = new Agent({ connections: 4, connect: { ca: root, ...from } });
  }

  /** Finds the root that the token's pin names; from then on every connection is verified against it. */
  static async reach(server: URL, tokenText: string, from: ReachOptions = {}): Promise<ControlPlane> {
    const token = parseEnrolmentToken(tokenText);
    return new ControlPlane(server.origin, await fetchPinnedRoot(server, token.pin), token, from);
  }

  /** @throws RaypherError with the control plane's own code */
  async enrol(
    csr: string,
    device: EnrolRequest['device'],
    tpm?: EnrolRequest['tpm'],
  ): Promise<EnrolResponse> {
    const body = { token: this.#token.text, csr, device, tpm } satisfies EnrolRequest;
    return this.#post('/v1/enroll', body, EnrolResponse, this.#connections);
  }

  /** The first half of enrolling a device with a TPM. @throws RaypherError with the control plane's own code */
  challenge(tpm: TpmEvidence): Promise<EnrolChallenge> {
    return this.#post(
      '/v1/enroll/challenge',
      { token: this.#token.text, tpm },
      EnrolChallenge,
      this.#connections,
    );
  }

  /** A new certificate for an enrolled device, authenticated by its current one. */
  async renew(
    csr: string,
    current: { certificate: string; keyPem: string },
  ): Promise<z.infer<typeof IssuedCertificate>> {
    const connection = new Agent({
      connections: 1,
      connect: { ca: this.root, cert: current.certificate, key: current.keyPem },
    });
    try {
      return await this.#post('/v1/renew', { csr }, IssuedCertificate, connection);
    } finally {
      await connection.close();
    }
  }

  async #post<T extends z.ZodType>(
    path: string,
    body: unknown,
    answer: T,
    dispatcher: Dispatcher,
  ): Promise<z.infer<T>> {
    for (let attempt = 1; ; attempt += 1) {
      const response = await request(this.origin + path, {
        method: 'POST',
        dispatcher,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const text = await response.body.text();
      if (response.statusCode === 429 && attempt < MAX_ATTEMPTS) {
        await delay(retryAfterMs(response.headers['retry-after']));
        continue;
      }
      if (response.statusCode >= 300) throw refusal(response.statusCode, text);
      return answer.parse(JSON.parse(text));
    }
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}

function retryAfterMs(header: string | string[] | undefined): number {
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : DEFAULT_RETRY_MS;
  return wait * (1 + Math.random() / 4);
}

function refusal(status: number, text: string): RaypherError {
  const parsed = ErrorResponse.safeParse(parseJson(text));
  if (parsed.success) {
    const { code, message, hint } = parsed.data.error;
    return new RaypherError(isErrorCode(code) ? code : 'link/protocol', message, {
      details: { status },
      ...(hint === undefined ? {} : { hint }),
    });
  }
  return new RaypherError('link/protocol', `The control plane answered ${status} without a reason.`, {
    details: { status },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
