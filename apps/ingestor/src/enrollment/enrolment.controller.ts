import { TLSSocket } from 'node:tls';
import { Controller, Post, Req } from '@nestjs/common';
import { type ErrorCode, RaypherError } from '@raypher/shared';
import { EnrolRequest, EnrolResponse, IssuedCertificate, RenewRequest } from '@raypher/shared/rest';
import type { Request } from 'express';
import { Public } from '../auth/access.decorators.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { AttemptLimiter } from './attempt-limiter.ts';
import { EnrolmentService } from './enrolment.service.ts';
import { RenewalService } from './renewal.service.ts';

/** What somebody without a good token or certificate meets; a used-up token is an honest mistake. */
const GUESSES: ReadonlySet<ErrorCode> = new Set([
  'enrolment/token-unknown',
  'enrolment/csr-invalid',
  'device/certificate-missing',
  'device/certificate-unknown',
  'device/identity-mismatch',
]);

/** For devices: over TLS only, where they have verified us before they say anything secret. */
@Controller('v1')
@Public()
export class EnrolmentController {
  /** A whole office may enrol behind one address; failures are rarer and get less. */
  private readonly attempts = new AttemptLimiter({ burst: 500, perSecond: 20 });
  private readonly failures = new AttemptLimiter({ burst: 30, perSecond: 0.5 });

  constructor(
    private readonly enrolment: EnrolmentService,
    private readonly renewal: RenewalService,
  ) {}

  @Post('enroll')
  @Answers('A token and a key become a device', EnrolResponse, 201)
  enrol(@Req() request: Request, @JsonBody(EnrolRequest) body: EnrolRequest): Promise<EnrolResponse> {
    tlsSocketOf(request);
    return this.limited(request, () => this.enrolment.enrol(body, request.hostname));
  }

  @Post('renew')
  @Answers('A device gets its next certificate', IssuedCertificate, 201)
  renew(@Req() request: Request, @JsonBody(RenewRequest) body: RenewRequest) {
    const socket = tlsSocketOf(request);
    return this.limited(request, () => {
      const peer = socket.getPeerCertificate();
      // Node gives an empty object when the client sent no certificate.
      if (!Buffer.isBuffer(peer.raw)) {
        throw new RaypherError(
          'device/certificate-missing',
          'Renewal needs the current device certificate.',
          {
            hint: 'Connect with the certificate as TLS client certificate.',
          },
        );
      }
      return this.renewal.renew(peer, body.csr);
    });
  }

  private async limited<T>(request: Request, work: () => Promise<T>): Promise<T> {
    // The socket's own address: nobody is believed about for whom they ask.
    const address = request.socket.remoteAddress ?? '';
    this.attempts.check(address);
    this.failures.check(address);
    this.attempts.spend(address);
    try {
      return await work();
    } catch (error) {
      if (error instanceof RaypherError && GUESSES.has(error.code)) this.failures.spend(address);
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
