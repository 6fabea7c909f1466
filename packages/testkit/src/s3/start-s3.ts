import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LockedBucket, type ObjectVersion } from './locked-bucket.ts';
import { checkSignature, type S3Credentials } from './request-signature.ts';
import { S3Error } from './s3-error.ts';

/**
 * What goes wrong with a request: an answer with this status and no work done; no answer at all; the work done and the
 * connection cut before it is said; an answer that ends in the middle.
 */
export type S3Fault = { status: number } | 'silence' | 'cut-after' | 'half';

export interface S3Request {
  method: string;
  key: string;
}

export interface S3ServerOptions {
  credentials: S3Credentials;
  bucket?: string;
  /** Whether the bucket was made with object lock; it is then versioned. */
  objectLock?: boolean;
  /** Keys on a page of a list. */
  pageSize?: number;
}

export interface S3Server {
  readonly endpoint: string;
  readonly bucket: LockedBucket;
  /** Everything that was asked, oldest first. */
  readonly requests: S3Request[];
  /** Decides what goes wrong from now on. */
  fail(decide: (request: S3Request) => S3Fault | undefined): void;
  /** Lets time pass for retention, milliseconds. */
  travel(ms: number): void;
  stop(): Promise<void>;
}

/**
 * The part of S3 that an archive needs, over HTTP with real signatures, and with object lock by the documented rules: no
 * server that has it can be installed from where this project's packages come from.
 */
export async function startS3({
  credentials,
  bucket: bucketName = 'archive',
  objectLock = true,
  pageSize = 1000,
}: S3ServerOptions): Promise<S3Server> {
  let passed = 0;
  let decide: (request: S3Request) => S3Fault | undefined = () => undefined;
  const bucket = new LockedBucket(() => Date.now() + passed);
  const requests: S3Request[] = [];

  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const url = new URL(request.url ?? '/', 'http://s3');
    const [, name, ...rest] = decodeURIComponent(url.pathname).split('/');
    const asked = { method: request.method ?? '', key: rest.join('/') };
    requests.push(asked);
    const fault = decide(asked);
    if (fault === 'silence') return;
    if (typeof fault === 'object') {
      send(
        response,
        fault.status,
        new S3Error(fault.status, 'SlowDown', 'Please reduce your request rate.').toXml(),
      );
      return;
    }
    try {
      checkSignature(request, body, credentials);
      if (name !== bucketName) throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist');
      const result = work(request, asked.key, url.searchParams, body);
      if (fault === 'cut-after') {
        request.socket.destroy();
        return;
      }
      if (fault === 'half') {
        response.writeHead(result.status, {
          'content-length': String(result.body.length),
          ...result.headers,
        });
        response.write(result.body.subarray(0, Math.ceil(result.body.length / 2)), () =>
          request.socket.destroy(),
        );
        return;
      }
      send(response, result.status, request.method === 'HEAD' ? '' : result.body, {
        ...result.headers,
        ...(request.method === 'HEAD' ? { 'content-length': String(result.body.length) } : {}),
      });
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      if (fault === 'cut-after') {
        request.socket.destroy();
        return;
      }
      send(response, error.status, request.method === 'HEAD' ? '' : error.toXml());
    }
  }

  function work(request: IncomingMessage, key: string, query: URLSearchParams, body: Buffer): S3Answer {
    const versionId = query.get('versionId') ?? undefined;
    switch (request.method) {
      case 'PUT':
        if (query.has('legal-hold')) {
          bucket.hold(key, /<Status>ON<\/Status>/.test(body.toString('utf8')));
          return { status: 200, body: Buffer.alloc(0) };
        }
        return put(request, key, body);
      case 'GET':
        if (key === '') return list(query);
        return show(bucket.get(key, versionId));
      case 'HEAD':
        return show(bucket.get(key, versionId));
      case 'DELETE': {
        const bypassGovernance = request.headers['x-amz-bypass-governance-retention'] === 'true';
        bucket.delete(key, versionId, { bypassGovernance });
        return { status: 204, body: Buffer.alloc(0) };
      }
      default:
        throw new S3Error(
          501,
          'NotImplemented',
          'A header you provided implies functionality that is not implemented',
        );
    }
  }

  function put(request: IncomingMessage, key: string, body: Buffer): S3Answer {
    const checksum = request.headers['x-amz-checksum-sha256'];
    if (checksum !== undefined && checksum !== createHash('sha256').update(body).digest('base64')) {
      throw new S3Error(400, 'BadDigest', 'The SHA256 you specified did not match the calculated checksum.');
    }
    const mode = request.headers['x-amz-object-lock-mode'];
    const until = request.headers['x-amz-object-lock-retain-until-date'];
    const hold = request.headers['x-amz-object-lock-legal-hold'];
    const isLocking = mode !== undefined || until !== undefined || hold !== undefined;
    if (isLocking && !objectLock) {
      throw new S3Error(400, 'InvalidRequest', 'Bucket is missing Object Lock Configuration');
    }
    if (isLocking && checksum === undefined && request.headers['content-md5'] === undefined) {
      throw new S3Error(
        400,
        'InvalidRequest',
        'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
      );
    }
    if ((mode === undefined) !== (until === undefined) || (mode !== undefined && !isMode(mode))) {
      throw new S3Error(400, 'InvalidArgument', 'Unknown wormMode directive.');
    }
    const version = bucket.put(
      key,
      body,
      {
        retention: isMode(mode) ? { mode, until: new Date(String(until)) } : undefined,
        held: hold === 'ON',
      },
      { ifNoneMatch: request.headers['if-none-match'] === '*' },
    );
    return { status: 200, body: Buffer.alloc(0), headers: headersOf(version) };
  }

  function list(query: URLSearchParams): S3Answer {
    const keys = bucket.keys(query.get('prefix') ?? '');
    const after = query.get('continuation-token');
    const from = after === null ? 0 : keys.findIndex((key) => key > after);
    const page = from < 0 ? [] : keys.slice(from, from + pageSize);
    const isTruncated = from >= 0 && from + pageSize < keys.length;
    const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
    const next = isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${next}${contents}</ListBucketResult>`;
    return { status: 200, body: Buffer.from(xml) };
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  // It listens on TCP, so its address is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    requests,
    fail(next) {
      decide = next;
    },
    travel(ms) {
      passed += ms;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface S3Answer {
  status: number;
  body: Buffer;
  headers?: Record<string, string>;
}

function isMode(mode: unknown): mode is 'COMPLIANCE' | 'GOVERNANCE' {
  return mode === 'COMPLIANCE' || mode === 'GOVERNANCE';
}

function show(version: ObjectVersion & { body: Buffer }): S3Answer {
  return { status: 200, body: version.body, headers: headersOf(version) };
}

function headersOf({ versionId, body, retention, held }: ObjectVersion): Record<string, string> {
  return {
    etag: `"${createHash('md5')
      .update(body ?? '')
      .digest('hex')}"`,
    'x-amz-version-id': versionId,
    ...(retention === undefined
      ? {}
      : {
          'x-amz-object-lock-mode': retention.mode,
          'x-amz-object-lock-retain-until-date': retention.until.toISOString(),
        }),
    ...(held ? { 'x-amz-object-lock-legal-hold': 'ON' } : {}),
  };
}

function send(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers });
  response.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}
