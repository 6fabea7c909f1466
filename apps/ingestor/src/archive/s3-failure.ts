import { S3ServiceException } from '@aws-sdk/client-s3';
import { RaypherError } from '@raypher/shared';

/** HTTP status of the server's answer; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

export function isMissing(error: unknown): boolean {
  // A bucket that is missing is another matter.
  return statusOf(error) === 404 && error instanceof S3ServiceException && error.name !== 'NoSuchBucket';
}

/**
 * What went wrong, for people. The client's own error is left out: it holds the request with its signature, and some
 * servers answer with the key that was used.
 */
export function failureOf(error: unknown, destination: string): RaypherError {
  const status = statusOf(error);
  const name = error instanceof Error ? error.name : 'Error';
  const details = { destination, name, ...(status === undefined ? {} : { status }) };
  if (status === undefined || status >= 500 || status === 429) {
    return new RaypherError('archive/unreachable', `The archive does not answer as it should (${name}).`, {
      hint: 'It is tried again by itself. Nothing is lost meanwhile: what is not archived stays in the database.',
      details,
    });
  }
  return new RaypherError('archive/refused', `The archive refuses (${name}, status ${status}).`, {
    hint:
      status === 401 || status === 403
        ? 'Check the credentials in RAYPHER_ARCHIVE_S3_CREDENTIALS_FILE, and that they may read and write the bucket and set locks.'
        : 'Check the name of the bucket, and that it was made with object lock (or set RAYPHER_ARCHIVE_S3_LOCK=none).',
    details,
  });
}
