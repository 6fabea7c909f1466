/**
 * Every error a person or program can meet, in one table.
 *
 * `http`, `grpc` and `exit` are what the three edges of the product answer with:
 * an HTTP status, a gRPC status code (https://grpc.io/docs/guides/status-codes/)
 * and a process exit code (documented in docs/cli.md).
 */
export const ERROR_CODES = {
  'request/invalid': { http: 400, grpc: 3, exit: 2 },
  'request/too-large': { http: 413, grpc: 8, exit: 2 },
  'request/rate-limited': { http: 429, grpc: 8, exit: 7 },
  'request/not-found': { http: 404, grpc: 5, exit: 4 },
  'request/conflict': { http: 409, grpc: 10, exit: 5 },
  'auth/required': { http: 401, grpc: 16, exit: 3 },
  'auth/forbidden': { http: 403, grpc: 7, exit: 3 },
  'auth/second-approver': { http: 403, grpc: 7, exit: 3 },
  'enrolment/token-unknown': { http: 401, grpc: 16, exit: 3 },
  'enrolment/token-expired': { http: 401, grpc: 16, exit: 3 },
  'enrolment/token-revoked': { http: 401, grpc: 16, exit: 3 },
  'enrolment/token-exhausted': { http: 401, grpc: 16, exit: 3 },
  'enrolment/pin-mismatch': { http: 401, grpc: 16, exit: 3 },
  'enrolment/csr-invalid': { http: 400, grpc: 3, exit: 2 },
  'enrolment/challenge-unknown': { http: 401, grpc: 16, exit: 3 },
  'enrolment/attestation-refused': { http: 403, grpc: 7, exit: 3 },
  'enrolment/class-refused': { http: 403, grpc: 7, exit: 3 },
  'enrolment/not-enrolled': { http: 401, grpc: 16, exit: 3 },
  'enrolment/already-enrolled': { http: 409, grpc: 6, exit: 5 },
  'device/certificate-missing': { http: 401, grpc: 16, exit: 3 },
  'device/certificate-unknown': { http: 401, grpc: 16, exit: 3 },
  'device/certificate-expired': { http: 401, grpc: 16, exit: 3 },
  'device/identity-mismatch': { http: 403, grpc: 7, exit: 3 },
  'device/attestation-required': { http: 401, grpc: 16, exit: 3 },
  'device/attestation-refused': { http: 403, grpc: 7, exit: 3 },
  'device/pending': { http: 403, grpc: 9, exit: 3 },
  'device/paused': { http: 403, grpc: 9, exit: 3 },
  'device/other-machine': { http: 403, grpc: 7, exit: 8 },
  'device/revoked': { http: 403, grpc: 7, exit: 3 },
  'device/replaced': { http: 409, grpc: 10, exit: 5 },
  'link/protocol': { http: 400, grpc: 3, exit: 6 },
  'link/version': { http: 400, grpc: 9, exit: 6 },
  'link/overloaded': { http: 503, grpc: 14, exit: 7 },
  'link/unreachable': { http: 503, grpc: 14, exit: 7 },
  'link/session-elsewhere': { http: 404, grpc: 5, exit: 7 },
  'ledger/chain-broken': { http: 409, grpc: 15, exit: 8 },
  'ledger/signature-invalid': { http: 409, grpc: 15, exit: 8 },
  'ledger/rolled-back': { http: 409, grpc: 15, exit: 8 },
  'ledger/malformed': { http: 422, grpc: 3, exit: 8 },
  'ledger/corrupted': { http: 409, grpc: 15, exit: 8 },
  'ledger/key-not-given': { http: 400, grpc: 9, exit: 12 },
  'archive/not-configured': { http: 404, grpc: 5, exit: 4 },
  'archive/unreachable': { http: 503, grpc: 14, exit: 7 },
  'archive/refused': { http: 502, grpc: 7, exit: 3 },
  'archive/conflict': { http: 409, grpc: 10, exit: 8 },
  'archive/corrupted': { http: 500, grpc: 15, exit: 8 },
  'policy/syntax': { http: 422, grpc: 3, exit: 9 },
  'policy/schema': { http: 422, grpc: 3, exit: 9 },
  'policy/stale-revision': { http: 409, grpc: 9, exit: 5 },
  'policy/tests-failed': { http: 422, grpc: 9, exit: 9 },
  'policy/stage-open': { http: 409, grpc: 9, exit: 5 },
  'policy/no-stage': { http: 409, grpc: 9, exit: 5 },
  'bundle/signature-invalid': { http: 422, grpc: 3, exit: 9 },
  'bundle/digest-mismatch': { http: 422, grpc: 3, exit: 9 },
  'bundle/wrong-organisation': { http: 422, grpc: 3, exit: 9 },
  'bundle/revision-not-monotonic': { http: 422, grpc: 9, exit: 9 },
  'bundle/expired': { http: 422, grpc: 9, exit: 9 },
  'bundle/not-enforced': { http: 500, grpc: 13, exit: 9 },
  'command/duplicate': { http: 409, grpc: 6, exit: 5 },
  'command/unknown-verb': { http: 400, grpc: 12, exit: 2 },
  'process/protected': { http: 403, grpc: 7, exit: 10 },
  'process/gone': { http: 404, grpc: 5, exit: 4 },
  'process/permission': { http: 403, grpc: 7, exit: 3 },
  'caller/not-allowed': { http: 403, grpc: 7, exit: 3 },
  'caller/unknown': { http: 403, grpc: 7, exit: 3 },
  'approval/unknown': { http: 404, grpc: 5, exit: 4 },
  'approval/decided': { http: 409, grpc: 10, exit: 5 },
  'connection/unknown': { http: 404, grpc: 5, exit: 4 },
  'vault/not-found': { http: 404, grpc: 5, exit: 4 },
  'vault/exists': { http: 409, grpc: 6, exit: 5 },
  'vault/sealed-elsewhere': { http: 403, grpc: 7, exit: 8 },
  'vault/damaged': { http: 500, grpc: 15, exit: 8 },
  'vault/used-up': { http: 403, grpc: 8, exit: 3 },
  'vault/expired': { http: 403, grpc: 9, exit: 3 },
  'vault/needs-terminal': { http: 403, grpc: 7, exit: 3 },
  'config/invalid': { http: 400, grpc: 3, exit: 2 },
  'store/corrupt': { http: 500, grpc: 15, exit: 8 },
  'store/full': { http: 507, grpc: 8, exit: 7 },
  'database/migration-edited': { http: 500, grpc: 9, exit: 8 },
  'database/migration-failed': { http: 500, grpc: 13, exit: 8 },
  'database/migration-unknown': { http: 500, grpc: 9, exit: 8 },
  'service/not-running': { http: 503, grpc: 14, exit: 7 },
  'service/already-running': { http: 409, grpc: 6, exit: 5 },
  'service/port-in-use': { http: 409, grpc: 6, exit: 5 },
  'tpm/absent': { http: 501, grpc: 12, exit: 11 },
  'tpm/permission': { http: 403, grpc: 7, exit: 3 },
  'tpm/locked-out': { http: 503, grpc: 14, exit: 7 },
  'tpm/unavailable': { http: 503, grpc: 14, exit: 7 },
  'tpm/cleared': { http: 409, grpc: 15, exit: 8 },
  'tpm/policy': { http: 403, grpc: 9, exit: 9 },
  'tpm/refused': { http: 500, grpc: 13, exit: 1 },
  'platform/unsupported': { http: 501, grpc: 12, exit: 11 },
  'internal/unexpected': { http: 500, grpc: 13, exit: 1 },
} as const satisfies Record<string, { http: number; grpc: number; exit: number }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface RaypherErrorOptions {
  /** What the person should do next, one sentence. */
  hint?: string;
  /** Machine-readable facts: positions, limits, ids. Never a secret. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * The one error type of the product.
 *
 * @example
 * throw new RaypherError('enrolment/token-expired', 'This enrolment token expired on 3 May.', {
 *   hint: 'Create a new one under Fleet → Add devices.',
 * });
 */
export class RaypherError extends Error {
  override readonly name = 'RaypherError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, options: RaypherErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }

  get httpStatus(): number {
    return ERROR_CODES[this.code].http;
  }

  get grpcStatus(): number {
    return ERROR_CODES[this.code].grpc;
  }

  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }

  /** The body that REST answers with: `{ error: { code, message, hint?, details? } }`. */
  toBody(): ErrorBody {
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(this.hint === undefined ? {} : { hint: this.hint }),
        ...(this.details === undefined ? {} : { details: this.details }),
      },
    };
  }
}

export interface ErrorBody {
  error: { code: string; message: string; hint?: string; details?: Record<string, unknown> };
}

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERROR_CODES, value);
}
