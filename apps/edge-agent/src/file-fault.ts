import { type ErrorCode, RaypherError } from '@raypher/shared/errors';

type Meaning = readonly [code: ErrorCode, why: string];

const DENIED: Meaning = ['process/permission', 'this account may not'];

/** errno(3) of reading what a person named. A folder counts as no such file. */
const READING: Readonly<Record<string, Meaning>> = {
  ENOENT: ['request/not-found', 'there is no such file'],
  ENOTDIR: ['request/not-found', 'there is no such file'],
  EISDIR: ['request/not-found', 'it is a folder'],
  EACCES: DENIED,
  EPERM: DENIED,
};

/** errno(3) of writing where a person said. */
const WRITING: Readonly<Record<string, Meaning>> = {
  ENOENT: ['request/not-found', 'there is no such folder'],
  ENOTDIR: ['request/invalid', 'a part of its path is a file'],
  EEXIST: ['request/invalid', 'there is something else of this name'],
  EISDIR: ['request/invalid', 'it is a folder'],
  EROFS: ['process/permission', 'its file system is read-only'],
  ENOSPC: ['store/full', 'its file system is full'],
  EACCES: DENIED,
  EPERM: DENIED,
};

/** Why reading failed, as a clause. */
export function whyUnreadable(cause: unknown): string {
  return READING[codeOf(cause)]?.[1] ?? messageOf(cause);
}

/** @param expected what should have been named, for who names a folder */
export function cannotRead(path: string, cause: unknown, expected?: string): RaypherError {
  const code = READING[codeOf(cause)]?.[0] ?? 'request/not-found';
  const hint = isDenied(cause)
    ? 'Run this as a user who may read it, for example with sudo.'
    : codeOf(cause) === 'EISDIR' && expected !== undefined
      ? `Expected is ${expected}.`
      : undefined;
  return new RaypherError(code, `${path} cannot be read: ${whyUnreadable(cause)}.`, {
    ...(hint === undefined ? {} : { hint }),
    cause,
  });
}

/** What is ours already stays as it is. */
export function cannotWrite(path: string, cause: unknown): RaypherError {
  if (cause instanceof RaypherError) return cause;
  const [code, why] = WRITING[codeOf(cause)] ?? ['internal/unexpected', messageOf(cause)];
  return new RaypherError(code, `${path} cannot be written: ${why}.`, {
    hint: isDenied(cause) ? 'Run this with sudo, or choose another place.' : 'Choose another place.',
    cause,
  });
}

/** There is nothing at this path. */
export function isMissing(cause: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(cause));
}

/** This account may not; whether there is anything stays unknown. */
export function isDenied(cause: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(cause));
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
