import type { IncomingMessage, ServerResponse } from 'node:http';

/** UNIMPLEMENTED */
const STATUS = '12';

/** Its results are in trailers, which do not survive the way through an HTTP/1 upstream. */
export function isGrpc({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.startsWith('application/grpc') === true;
}

/** An answer that gRPC clients turn into their own error (a response of trailers only). */
export function refuseGrpc(response: ServerResponse): void {
  const message = 'Blocked by Raypher: gRPC cannot be looked into. Ask for interception.pass_through.';
  response.writeHead(200, {
    'content-type': 'application/grpc',
    'grpc-status': STATUS,
    'grpc-message': message,
    'x-raypher': 'unavailable',
  });
  response.end();
}
