/** Why a client's connection could not be read. */
export interface ClientFault {
  reason: /** It said that it does not accept our certificate: pinned, or with a trust store of its own. */
    | 'certificate-refused'
    /** It went away where it would have looked at the certificate. */
    | 'closed'
    /** No agreement on a version or cipher, or no TLS at all. */
    | 'handshake'
    /** It offers only protocols that are not HTTP. */
    | 'protocol'
    /** TLS with something else in it than HTTP. */
    | 'not-http'
    /** gRPC, whose trailers this proxy cannot carry. */
    | 'grpc';
  /** A code, for the record. */
  detail: string;
}

/** Alerts about a certificate (RFC 8446 §6.2), as OpenSSL names them. */
const ABOUT_CERTIFICATE =
  /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|ACCESS_DENIED|DECRYPT_ERROR|NO_CERTIFICATE|BAD_CERTIFICATE_\w+)$/;

/** Reads what OpenSSL says about a handshake that failed. */
export function clientFault(error: Error & { code?: string }): ClientFault {
  const detail = error.code ?? error.message;
  if (ABOUT_CERTIFICATE.test(detail)) return { reason: 'certificate-refused', detail };
  // Some say nothing (TCP reset) or nothing in particular (close_notify).
  const isGone = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(detail);
  return isGone ? { reason: 'closed', detail } : { reason: 'handshake', detail };
}
