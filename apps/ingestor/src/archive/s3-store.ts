import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { boundedBytes } from '../ledger/anchors/bounded-body.ts';
import type { S3Archive } from './archive-config.ts';
import type { ArchiveStore, Keeping } from './archive-store.ts';
import { conflict, requireName } from './object-name.ts';
import { failureOf, isMissing, statusOf } from './s3-failure.ts';

/** With a pause that doubles between them (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html). */
const ATTEMPTS = 5;
const CONNECT_MS = 5_000;
/** The largest object takes that long at 4 Mbit/s. */
const SILENCE_MS = 40_000;
/** Nothing that we write is so large; what is would fill the memory of whoever reads it. */
const MOST_BYTES = 32 * 1024 * 1024;

export interface S3StoreOptions {
  /** Silence of the server after which a request is tried again, milliseconds. */
  silenceMs?: number;
}

/**
 * An archive in a bucket of S3 or of something that speaks its protocol. With a lock, the bucket must have been made
 * with object lock; every object then carries its own date (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html).
 */
export class S3Store implements ArchiveStore {
  readonly destination: string;
  readonly #client: S3Client;
  readonly #archive: S3Archive;
  /** Whether the server knows `If-None-Match` on writes; found out with the first one. */
  #conditional = true;

  constructor(archive: S3Archive, { silenceMs = SILENCE_MS }: S3StoreOptions = {}) {
    const { endpoint, region, pathStyle, accessKeyId, secretAccessKey, bucket, prefix } = archive;
    this.#archive = archive;
    this.destination = ['s3:/', new URL(endpoint).host, bucket, ...(prefix === '' ? [] : [prefix])].join('/');
    this.#client = new S3Client({
      endpoint,
      region,
      forcePathStyle: pathStyle,
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: ATTEMPTS,
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        requestTimeout: silenceMs,
        throwOnRequestTimeout: true,
        // Also when it has begun to answer.
        socketTimeout: silenceMs,
      },
      // SHA-256 is sent with every object; servers that are not Amazon's do not know the other checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  async putOnce(name: string, bytes: Uint8Array, keeping: Keeping): Promise<'stored' | 'present'> {
    // Before, for servers that overwrite whatever they are told; the condition, for who writes at the same time.
    if (await this.#isThere(name)) return this.#same(name, bytes);
    try {
      await this.#put(name, bytes, keeping, this.#conditional ? { IfNoneMatch: '*' } : {});
      return 'stored';
    } catch (error) {
      const status = statusOf(error);
      // 409: somebody else writes this name at this moment. It is there when they are done, or the next run writes it.
      if (status === 412 || status === 409) return this.#same(name, bytes);
      if (status !== 501 || !this.#conditional) throw failureOf(error, this.destination);
      this.#conditional = false;
      return this.putOnce(name, bytes, keeping);
    }
  }

  async replace(name: string, bytes: Uint8Array, keeping: Keeping): Promise<void> {
    try {
      await this.#put(name, bytes, keeping, {});
    } catch (error) {
      throw failureOf(error, this.destination);
    }
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    // A connection that ends within the body is not tried again by the client.
    const object = this.#object(name);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await this.#client.send(new GetObjectCommand(object));
        const bytes = await boundedBytes(new Response(answer.Body?.transformToWebStream()), MOST_BYTES);
        if (answer.ContentLength === undefined || answer.ContentLength === bytes.length) return bytes;
        throw new Error('the answer was cut off');
      } catch (error) {
        if (isMissing(error)) return undefined;
        if (statusOf(error) !== undefined || attempt === ATTEMPTS) throw failureOf(error, this.destination);
      }
    }
  }

  async *list(prefix: string): AsyncGenerator<string> {
    const base = this.#key('');
    try {
      for await (const page of paginateListObjectsV2(
        { client: this.#client },
        { Bucket: this.#archive.bucket, Prefix: `${base}${prefix}` },
      )) {
        for (const { Key = '' } of page.Contents ?? []) yield Key.slice(base.length);
      }
    } catch (error) {
      throw failureOf(error, this.destination);
    }
  }

  async hold(name: string, held: boolean): Promise<void> {
    if (this.#archive.lock === 'none') return;
    try {
      await this.#client.send(
        new PutObjectLegalHoldCommand({ ...this.#object(name), LegalHold: { Status: held ? 'ON' : 'OFF' } }),
      );
    } catch (error) {
      throw failureOf(error, this.destination);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #isThere(name: string): Promise<boolean> {
    const object = this.#object(name);
    try {
      await this.#client.send(new HeadObjectCommand(object));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw failureOf(error, this.destination);
    }
  }

  async #same(name: string, bytes: Uint8Array): Promise<'present'> {
    const there = await this.read(name);
    if (there !== undefined && Buffer.compare(there, bytes) === 0) return 'present';
    throw conflict(name, this.destination);
  }

  async #put(
    name: string,
    bytes: Uint8Array,
    { until, held }: Keeping,
    condition: Pick<PutObjectCommandInput, 'IfNoneMatch'>,
  ): Promise<void> {
    const { lock } = this.#archive;
    await this.#client.send(
      new PutObjectCommand({
        ...this.#object(name),
        ...condition,
        Body: bytes,
        ContentLength: bytes.length,
        // The server compares: what it acknowledges is what was sent.
        ChecksumSHA256: createHash('sha256').update(bytes).digest('base64'),
        ...(lock === 'none'
          ? {}
          : {
              ObjectLockMode: lock === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
              ObjectLockRetainUntilDate: until,
              ObjectLockLegalHoldStatus: held ? 'ON' : 'OFF',
            }),
      }),
    );
  }

  #object(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#archive.bucket, Key: this.#key(requireName(name)) };
  }

  #key(name: string): string {
    const { prefix } = this.#archive;
    return prefix === '' ? name : `${prefix}/${name}`;
  }
}
