import { createServer, type Server } from 'node:https';
import { text } from 'node:stream/consumers';
import { RaypherError } from '@raypher/shared';
import { EnrolRequest, type EnrolResponse } from '@raypher/shared/rest';

export interface EnrolmentServerOptions {
  certificate: string;
  key: string;
  token: string;
  enrol(csr: string): Promise<EnrolResponse>;
}

/** `POST /v1/enroll`, and nothing else. */
export function createEnrolmentServer({ certificate, key, token, enrol }: EnrolmentServerOptions): Server {
  return createServer({ cert: certificate, key }, async (request, response) => {
    try {
      if (request.method !== 'POST' || request.url !== '/v1/enroll') {
        throw new RaypherError('request/not-found', 'The floor only enrols.');
      }
      const body = EnrolRequest.parse(JSON.parse(await text(request)));
      if (body.token !== token) {
        throw new RaypherError('enrolment/token-unknown', 'This enrolment token is not known here.');
      }
      response
        .writeHead(201, { 'content-type': 'application/json' })
        .end(JSON.stringify(await enrol(body.csr)));
    } catch (error) {
      const known =
        error instanceof RaypherError ? error : new RaypherError('request/invalid', String(error));
      response
        .writeHead(known.httpStatus, { 'content-type': 'application/json' })
        .end(JSON.stringify(known.toBody()));
    }
  });
}
