import { type PeerCertificate, TLSSocket } from 'node:tls';
import { Controller, Post, Req } from '@nestjs/common';
import { type ErrorCode, RaypherError } from '@raypher/shared';
import {
  EnrolChallenge,
  EnrolChallengeRequest,
  EnrolRequest,
  EnrolResponse,
  IssuedCertificate,
  RenewChallenge,
  RenewRequest,
} from '@raypher/shared/rest';
import type { Request } from 'express';
import { z } from 'zod';
import { Public } from '../auth/access.decorators.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { AttemptLimiter } from './attempt-limiter.ts';
import { EnrolmentService } from './enrolment.service.ts';
import { LeavingService } from './leaving.service.ts';
import { RenewalService } from './renewal.service.ts';

/** What somebody without a good token, TPM or certificate meets; a used-up token is an honest mistake. */
const GUESSES: ReadonlySet<ErrorCode> = new Set([
  'enrolment/token-unknown',
  'enrolment/csr-invalid',
  'enrolment/challenge-unknown',
  'enrolment/attestation-refused',
  'device/certificate-missing',
  'device/certificate-unknown',
  'device/identity-mismatch',
  'device/attestation-refused',
]);

/** Whose attempts and failures are counted together. */
interface Asker {
  kind: 'address' | 'device';
  name: string;
}

/** Requests that say everything with the certificate of their connection. */
const Nothing = z.strictObject({});

/** For devices: over TLS only, where they have verified us before they say anything secret. */
@Controller('v1')
@Public()
export class EnrolmentController {
  /**
   * A whole office may enrol behind one address; failures are rarer and get less. A TPM takes two requests. A device
   * itself asks a few times a day.
   */
  private readonly attempts: Record<Asker['kind'], AttemptLimiter> = {
    address: new AttemptLimiter({ burst: 1_000, perSecond: 40 }),
    device: new AttemptLimiter({ burst: 60, perSecond: 1 }),
  };
  private readonly failures = new AttemptLimiter({ burst: 30, perSecond: 0.5 });

  constructor(
    private readonly enrolment: EnrolmentService,
    private readonly renewal: RenewalService,
    private readonly leaving: LeavingService,
  ) {}

  @Post('enroll/challenge')
  @Answers('A challenge that only this TPM can answer', EnrolChallenge, 201)
  challenge(@Req() request: Request, @JsonBody(EnrolChallengeRequest) body: EnrolChallengeRequest) {
    tlsSocketOf(request);
    return this.limited(addressOf(request), () => this.enrolment.challenge(body));
  }

  @Post('enroll')
  @Answers('A token and a key become a device', EnrolResponse, 201)
  enrol(@Req() request: Request, @JsonBody(EnrolRequest) body: EnrolRequest): Promise<EnrolResponse> {
    tlsSocketOf(request);
    return this.limited(addressOf(request), () => this.enrolment.enrol(body, request.hostname));
  }

  @Post('renew/challenge')
  @Answers('What a device with a TPM has to quote for its next certificate', RenewChallenge, 201)
  renewChallenge(@Req() request: Request, @JsonBody(Nothing) _body: z.infer<typeof Nothing>) {
    const socket = tlsSocketOf(request);
    return this.limited(memberOf(socket), () => this.renewal.challenge(certificateOf(socket)));
  }

  @Post('renew')
  @Answers('A device gets its next certificate', IssuedCertificate, 201)
  renew(@Req() request: Request, @JsonBody(RenewRequest) body: RenewRequest) {
    const socket = tlsSocketOf(request);
    return this.limited(memberOf(socket), () => this.renewal.renew(certificateOf(socket), body));
  }

  @Post('leave')
  @Answers('A device gives up its identity', Nothing, 201)
  leave(@Req() request: Request, @JsonBody(Nothing) _body: z.infer<typeof Nothing>) {
    const socket = tlsSocketOf(request);
    return this.limited(memberOf(socket), async () => {
      await this.leaving.leave(certificateOf(socket));
      return {};
    });
  }

  private async limited<T>({ kind, name }: Asker, work: () => Promise<T>): Promise<T> {
    const attempts = this.attempts[kind];
    attempts.check(name);
    this.failures.check(name);
    attempts.spend(name);
    try {
      return await work();
    } catch (error) {
      if (error instanceof RaypherError && GUESSES.has(error.code)) this.failures.spend(name);
      throw error;
    }
  }
}

/** What a proxy says about TLS does not count; the connection itself must be encrypted up to here. */
function tlsSocketOf(request: Request): TLSSocket {
  if (request.socket instanceof TLSSocket) return request.socket;
  throw new RaypherError('auth/forbidden', 'Devices enrol over TLS only.', {
    hint: 'Use the https address that the console shows under Add devices.',
  });
}

/** The socket's own address: nobody is believed about for whom they ask. */
function addressOf({ socket }: Pick<Request, 'socket'>): Asker {
  return { kind: 'address', name: socket.remoteAddress ?? '' };
}

/**
 * A device that proved a certificate of ours, be it an expired one, is counted for itself: a stranger behind the same
 * address must not be able to keep an office's devices from renewing.
 */
function memberOf(socket: TLSSocket): Asker {
  // Typed as Error, but on a server it is OpenSSL's code as a string.
  const fault: unknown = socket.authorizationError;
  const isOurs = socket.authorized || fault === 'CERT_HAS_EXPIRED';
  if (!isOurs) return addressOf({ socket });
  return { kind: 'device', name: socket.getPeerCertificate().fingerprint256 };
}

function certificateOf(socket: TLSSocket): PeerCertificate {
  const peer = socket.getPeerCertificate();
  // Node gives an empty object when the client sent no certificate.
  if (Buffer.isBuffer(peer.raw)) return peer;
  throw new RaypherError('device/certificate-missing', 'This needs the current device certificate.', {
    hint: 'Connect with the certificate as TLS client certificate.',
  });
}
