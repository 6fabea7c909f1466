import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type S3Server, startS3 } from '@raypher/testkit';
import { build } from 'esbuild';
import S3rver from 's3rver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { S3Archive } from './archive-config.ts';
import type { ArchiveStore, Keeping } from './archive-store.ts';
import { FolderStore } from './folder-store.ts';
import { S3Store } from './s3-store.ts';

const YEAR_MS = 365 * 86_400_000;
const KEEPING: Keeping = { until: new Date(Date.now() + YEAR_MS), held: false };
const bytes = (text: string) => Buffer.from(text);
const textOf = async (store: ArchiveStore, name: string) =>
  Buffer.from((await store.read(name)) ?? bytes('there is nothing')).toString();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'raypher-archive-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function s3Archive(endpoint: string, more: Partial<S3Archive> = {}): S3Archive {
  return {
    kind: 's3',
    endpoint,
    bucket: 'archive',
    prefix: 'raypher/prod',
    region: 'eu-central-1',
    pathStyle: true,
    lock: 'compliance',
    accessKeyId: 'AKIDTEST',
    secretAccessKey: randomBytes(20).toString('hex'),
    ...more,
  };
}

interface Place {
  store: ArchiveStore;
  close(): Promise<void>;
}

/** The same on disk, on our own server with object lock, and on one by somebody else, which has none. */
const PLACES: Record<string, () => Promise<Place>> = {
  folder: async () => ({ store: new FolderStore(folder), close: async () => undefined }),
  'S3 with object lock': async () => {
    const archive = s3Archive('http://127.0.0.1:1');
    const server = await startS3({ credentials: archive, pageSize: 2 });
    const store = new S3Store({ ...archive, endpoint: server.endpoint });
    return { store, close: () => server.stop() };
  },
  s3rver: async () => {
    const server = new S3rver({
      address: '127.0.0.1',
      port: 0,
      silent: true,
      directory: folder,
      configureBuckets: [{ name: 'archive', configs: [] }],
    });
    const { port } = await server.run();
    const keys = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
    const archive = s3Archive(`http://127.0.0.1:${port}`, { lock: 'none', ...keys });
    return { store: new S3Store(archive), close: () => server.close() };
  },
};

describe.each(Object.entries(PLACES))('%s', (_, open) => {
  let place: Place;
  beforeEach(async () => {
    place = await open();
  });
  afterEach(() => place.close());

  it('keeps what it was given, byte by byte, also nothing and sixteen megabytes', async () => {
    const { store } = place;
    const contents = [bytes('one'), Buffer.alloc(0), randomBytes(16 * 1024 * 1024)];
    for (const [at, content] of contents.entries()) {
      expect(await store.putOnce(`a/b/${at}`, content, KEEPING)).toBe('stored');
    }
    for (const [at, content] of contents.entries()) {
      expect(Buffer.compare((await store.read(`a/b/${at}`)) ?? bytes('nothing'), content)).toBe(0);
    }
    expect(await store.read('a/b/3')).toBeUndefined();
  });

  it('takes the same once more, and refuses something else under that name', async () => {
    const { store } = place;
    await store.putOnce('a', bytes('one'), KEEPING);
    expect(await store.putOnce('a', bytes('one'), KEEPING)).toBe('present');
    await expect(store.putOnce('a', bytes('two'), KEEPING)).rejects.toMatchObject({
      code: 'archive/conflict',
    });
    expect(await textOf(store, 'a')).toBe('one');
  });

  it('replaces only what is meant to be replaced', async () => {
    const { store } = place;
    await store.replace('checkpoint', bytes('one'), KEEPING);
    await store.replace('checkpoint', bytes('two'), KEEPING);
    expect(await textOf(store, 'checkpoint')).toBe('two');
  });

  it('lists by prefix, over pages, in order', async () => {
    const { store } = place;
    const names = ['tile/0/000', 'tile/0/001', 'tile/0/002', 'tile/1/000', 'tile/entries/000', 'tilework'];
    for (const name of names.toReversed()) await store.putOnce(name, bytes(name), KEEPING);
    const found: string[] = [];
    for await (const name of store.list('tile/')) found.push(name);
    expect(found).toEqual(names.slice(0, 5));
  });

  it.each(['', '/etc/passwd', '../a', 'a/../b', 'a//b', 'a/.b', 'a\\..\\b', 'a\0b', 'a/'])(
    'does not take the name %j',
    async (name) => {
      const { store } = place;
      await expect(store.putOnce(name, bytes('one'), KEEPING)).rejects.toThrow(TypeError);
      await expect(store.read(name)).rejects.toThrow(TypeError);
    },
  );
});

describe('a folder', () => {
  it('has files that are not for writing, and no drafts', async () => {
    const store: ArchiveStore = new FolderStore(folder);
    await store.putOnce('a/b', bytes('one'), KEEPING);
    await store.putOnce('a/b', bytes('one'), KEEPING);
    await store.replace('checkpoint', bytes('two'), KEEPING);
    expect((await stat(join(folder, 'a/b'))).mode & 0o777).toBe(0o440);
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(['a', 'a/b', 'checkpoint']);
  });

  it('keeps no half of what did not find room, and takes it once there is some', async () => {
    const program = join(folder, 'put.cjs');
    await build({
      stdin: {
        contents: `import { FolderStore } from './folder-store.ts';
          const store = new FolderStore(process.argv[2] ?? '');
          const put = (way) => store[way]('a/b', Buffer.alloc(200_000)).catch(({ code }) => console.log(code));
          put('putOnce').then(() => put('replace'));`,
        resolveDir: import.meta.dirname,
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: program,
    });
    const base = join(folder, 'archive');
    // No file may have more than 64 KiB.
    const limited = ['-c', 'ulimit -f 64; exec "$@"', 'bash', process.execPath, program, base];
    const { stdout } = await promisify(execFile)('bash', limited);
    expect(stdout).toBe('archive/unreachable\narchive/unreachable\n');
    expect(await readdir(join(base, 'a'))).toEqual([]);
    expect(await new FolderStore(base).putOnce('a/b', Buffer.alloc(200_000))).toBe('stored');
  });

  it('keeps no draft of what cannot be put in its place', async () => {
    const store: ArchiveStore = new FolderStore(folder);
    await mkdir(join(folder, 'checkpoint'));
    await expect(store.replace('checkpoint', bytes('one'), KEEPING)).rejects.toMatchObject({
      code: 'archive/unreachable',
    });
    expect(await readdir(folder)).toEqual(['checkpoint']);
  });

  it('that is none is said to be unreachable', async () => {
    await writeFile(join(folder, 'file'), '');
    const store: ArchiveStore = new FolderStore(join(folder, 'file'));
    await expect(store.putOnce('a', bytes('one'), KEEPING)).rejects.toMatchObject({
      code: 'archive/unreachable',
    });
  });
});

describe('object lock', () => {
  let server: S3Server;
  let archive: S3Archive;
  let store: S3Store;
  beforeEach(async () => {
    archive = s3Archive('http://127.0.0.1:1');
    server = await startS3({ credentials: archive });
    archive = { ...archive, endpoint: server.endpoint };
    store = new S3Store(archive);
  });
  afterEach(() => server.stop());
  const newest = (name: string) => server.bucket.versions(`raypher/prod/${name}`).at(-1);

  it('keeps an object from being deleted until its date, and under a legal hold beyond it', async () => {
    await store.putOnce('a', bytes('one'), KEEPING);
    const version = newest('a');
    expect(version?.retention).toEqual({ mode: 'COMPLIANCE', until: KEEPING.until });
    const erase = () =>
      server.bucket.delete('raypher/prod/a', version?.versionId, { bypassGovernance: true });
    expect(erase).toThrow('protected by object lock');
    await store.hold('a', true);
    server.travel(2 * YEAR_MS);
    expect(erase).toThrow('protected by object lock');
    await store.hold('a', false);
    erase();
    expect(await store.read('a')).toBeUndefined();
  });

  it('holds an object from its first moment when it is written under a legal hold', async () => {
    await store.putOnce('a', bytes('one'), { ...KEEPING, held: true });
    expect(newest('a')?.held).toBe(true);
  });

  it('keeps the first version when somebody with the keys writes over it or deletes it; that is noticed', async () => {
    await store.putOnce('a', bytes('one'), KEEPING);
    await store.replace('a', bytes('forged'), KEEPING);
    await expect(store.putOnce('a', bytes('one'), KEEPING)).rejects.toMatchObject({
      code: 'archive/conflict',
    });
    server.bucket.delete('raypher/prod/a');
    expect(await store.read('a')).toBeUndefined();
    expect(server.bucket.versions('raypher/prod/a').map(({ body }) => body?.toString())).toEqual([
      'one',
      'forged',
      undefined,
    ]);
  });

  it('is asked for by its name, and a bucket without it is said to be one', async () => {
    const governed = new S3Store({ ...archive, lock: 'governance' });
    await governed.putOnce('a', bytes('one'), KEEPING);
    expect(newest('a')?.retention?.mode).toBe('GOVERNANCE');
    const plain = await startS3({ credentials: archive, objectLock: false });
    try {
      const locking = new S3Store({ ...archive, endpoint: plain.endpoint });
      await expect(locking.putOnce('a', bytes('one'), KEEPING)).rejects.toMatchObject({
        code: 'archive/refused',
        hint: expect.stringContaining('RAYPHER_ARCHIVE_S3_LOCK=none'),
      });
      const unlocked = new S3Store({ ...archive, endpoint: plain.endpoint, lock: 'none' });
      expect(await unlocked.putOnce('a', bytes('one'), KEEPING)).toBe('stored');
      await unlocked.hold('a', true);
    } finally {
      await plain.stop();
    }
  });

  it.each([
    ['says that it is busy', { status: 503 } as const],
    ['does not answer', 'silence' as const],
    ['cuts the connection when the work is done', 'cut-after' as const],
  ])(
    'a server that %s is asked again',
    async (_, fault) => {
      store = new S3Store(archive, { silenceMs: 300 });
      for (const method of ['PUT', 'GET', 'HEAD']) {
        let left = 2;
        server.fail((request) => {
          if (request.method !== method || left === 0) return undefined;
          left -= 1;
          return fault;
        });
        const name = `object-${method}`;
        expect(['stored', 'present']).toContain(await store.putOnce(name, bytes(method), KEEPING));
        expect(await textOf(store, name)).toBe(method);
        expect(left).toBe(0);
        expect(server.bucket.versions(`raypher/prod/${name}`)).toHaveLength(1);
      }
    },
    30_000,
  );

  it('an answer that ends in the middle is not taken for the object', async () => {
    await store.putOnce('a', bytes('0123456789'), KEEPING);
    let halves = 2;
    server.fail(({ method }) => (method === 'GET' && halves-- > 0 ? 'half' : undefined));
    expect(await textOf(store, 'a')).toBe('0123456789');
    server.fail(({ method }) => (method === 'GET' ? 'half' : undefined));
    await expect(store.read('a')).rejects.toMatchObject({ code: 'archive/unreachable' });
  });

  it.each([
    ['falls silent in the middle of an answer', (answer: ServerResponse) => answer.write('x')],
    [
      'answers without end',
      (answer: ServerResponse) => {
        const more = () => {
          while (!answer.destroyed && answer.write(Buffer.alloc(64 * 1024)));
        };
        answer.on('drain', more);
        more();
      },
    ],
  ])('a server that %s is not waited for without end', async (_, begin) => {
    const hostile = createServer((_request, answer) => {
      answer.writeHead(200, { 'content-type': 'application/octet-stream' });
      begin(answer);
    });
    hostile.listen(0, '127.0.0.1');
    await once(hostile, 'listening');
    const { port } = hostile.address() as AddressInfo;
    store = new S3Store({ ...archive, endpoint: `http://127.0.0.1:${port}` }, { silenceMs: 300 });
    await expect(store.read('a')).rejects.toMatchObject({ code: 'archive/unreachable' });
    hostile.closeAllConnections();
    hostile.close();
  });

  it('wrong credentials are said to be that, without saying them', async () => {
    const secret = randomBytes(20).toString('hex');
    for (const wrong of [{ secretAccessKey: secret }, { accessKeyId: `AKID${secret.slice(0, 8)}` }]) {
      const stranger = new S3Store({ ...archive, ...wrong });
      const error = await stranger.putOnce('a', bytes('one'), KEEPING).catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        code: 'archive/refused',
        hint: expect.stringContaining('CREDENTIALS_FILE'),
      });
      const { message, stack, hint, details, cause } = error as Error & Record<string, unknown>;
      const said = JSON.stringify([message, stack, hint, details, cause]);
      for (const hidden of Object.values({ ...archive, ...wrong }).filter(
        (value) => value === wrong.secretAccessKey || value === wrong.accessKeyId,
      )) {
        if (hidden !== undefined) expect(said).not.toContain(hidden);
      }
      expect(said).not.toContain(archive.secretAccessKey);
      expect(said).not.toContain('Signature=');
    }
  });

  it('a server that is not there is unreachable', async () => {
    await server.stop();
    await expect(store.putOnce('a', bytes('one'), KEEPING)).rejects.toMatchObject({
      code: 'archive/unreachable',
    });
  });
});
