import { randomBytes } from 'node:crypto';
import { S3Error } from './s3-error.ts';

export interface ObjectVersion {
  key: string;
  versionId: string;
  /** A delete marker has none. */
  body: Buffer | undefined;
  retention: { mode: 'COMPLIANCE' | 'GOVERNANCE'; until: Date } | undefined;
  held: boolean;
}

/**
 * A versioned bucket with object lock, by the rules of
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html: writing a key that is there makes a newer
 * version, deleting without a version puts a marker above it, and deleting a version is refused while its date has not
 * come or it has a legal hold. Nobody shortens the retention of a version in compliance mode.
 */
export class LockedBucket {
  readonly #versions = new Map<string, ObjectVersion[]>();
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  put(
    key: string,
    body: Buffer,
    lock: Pick<ObjectVersion, 'retention' | 'held'>,
    { ifNoneMatch = false }: { ifNoneMatch?: boolean } = {},
  ): ObjectVersion {
    if (ifNoneMatch && this.#newest(key)?.body !== undefined) {
      throw new S3Error(
        412,
        'PreconditionFailed',
        'At least one of the pre-conditions you specified did not hold',
      );
    }
    if (lock.retention !== undefined && lock.retention.until.getTime() <= this.#now()) {
      throw new S3Error(400, 'InvalidArgument', 'The retain until date must be in the future!');
    }
    return this.#add({ key, versionId: randomBytes(12).toString('hex'), body, ...lock });
  }

  /** @throws S3Error when there is no such key, or it was deleted */
  get(key: string, versionId?: string): ObjectVersion & { body: Buffer } {
    const version = versionId === undefined ? this.#newest(key) : this.#find(key, versionId);
    if (version?.body === undefined) {
      throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
    }
    return { ...version, body: version.body };
  }

  delete(key: string, versionId?: string, { bypassGovernance = false } = {}): void {
    if (versionId === undefined) {
      this.#add({
        key,
        versionId: randomBytes(12).toString('hex'),
        body: undefined,
        retention: undefined,
        held: false,
      });
      return;
    }
    const version = this.#find(key, versionId);
    if (version === undefined) return;
    const isRetained =
      version.retention !== undefined &&
      version.retention.until.getTime() > this.#now() &&
      !(version.retention.mode === 'GOVERNANCE' && bypassGovernance);
    if (version.held || isRetained) {
      throw new S3Error(403, 'AccessDenied', 'Access Denied because object protected by object lock.');
    }
    this.#versions.set(
      key,
      this.versions(key).filter((other) => other !== version),
    );
  }

  hold(key: string, held: boolean): void {
    this.get(key);
    const newest = this.#newest(key);
    if (newest !== undefined) newest.held = held;
  }

  /** Oldest first. */
  versions(key: string): ObjectVersion[] {
    return this.#versions.get(key) ?? [];
  }

  /** Of objects that are there, in the order of their bytes. */
  keys(prefix = ''): string[] {
    return [...this.#versions.keys()]
      .filter((key) => key.startsWith(prefix) && this.#newest(key)?.body !== undefined)
      .sort();
  }

  #newest(key: string): ObjectVersion | undefined {
    return this.versions(key).at(-1);
  }

  #find(key: string, versionId: string): ObjectVersion | undefined {
    return this.versions(key).find((version) => version.versionId === versionId);
  }

  #add(version: ObjectVersion): ObjectVersion {
    this.#versions.set(version.key, [...this.versions(version.key), version]);
    return version;
  }
}
