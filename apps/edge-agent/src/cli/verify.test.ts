import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ExportReport, parseNote, tilePath } from '@raypher/ledger';
import { SampleLog, sampleLog } from '@raypher/ledger/testing';
import { RaypherError } from '@raypher/shared';
import { TestTimeStampAuthority } from '@raypher/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { writeZip } from '../testing/write-zip.ts';
import { buildProgram } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'raypher-verify-'));
const path = (...names: string[]): string => join(folder, ...names);
let log: SampleLog;
let files: Map<string, Uint8Array>;

/** The command in this process: starting one for each would take most of the time. */
async function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const before = process.exitCode;
  try {
    await (await buildProgram(['verify'])).parseAsync(['node', 'raypher', 'verify', ...args]);
    return { status: Number(process.exitCode ?? 0), stdout, stderr: '' };
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    return { status: error.exitCode, stdout, stderr: error.message };
  } finally {
    process.exitCode = before;
    write.mockRestore();
  }
}

function write(name: string, content: ReadonlyMap<string, Uint8Array>): string {
  for (const [file, bytes] of content) {
    mkdirSync(dirname(path(name, file)), { recursive: true });
    writeFileSync(path(name, file), bytes);
  }
  return path(name);
}

beforeAll(async () => {
  log = await sampleLog(600);
  files = await log.files();
  write('export', files);
  writeFileSync(path('log.vkey'), `${log.vkey}\n`);
  writeFileSync(path('witness.vkey'), `${log.witnessKey}\n`);
  writeFileSync(path('old.checkpoint'), log.checkpoints[0] ?? '');
  writeFileSync(path('newest.checkpoint'), log.checkpoints.at(-1) ?? '');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a folder', () => {
  test('verifies with the key, as a file or as text', async () => {
    for (const key of [path('log.vkey'), log.vkey]) {
      const { status, stdout } = await run(path('export'), '--key', key, '--since', path('old.checkpoint'));
      expect(stdout).toMatch(/^VERIFIED: /);
      expect(stdout).toContain(`${log.entries.length} entries, root `);
      expect(stdout).toContain('2 devices');
      expect(status).toBe(0);
    }
  });

  test('without a key is not proven, says so, and does not exit with 0', async () => {
    const { status, stdout } = await run(path('export'));
    expect(stdout).toMatch(/^CONSISTENT: .*no key was given/);
    expect(stdout).toContain(log.vkey);
    expect(status).toBe(12);
  });

  test('says up to where a witness saw it', async () => {
    const { stdout } = await run(
      path('export'),
      '--key',
      log.vkey,
      '--witness',
      path('witness.vkey'),
      '--json',
    );
    const report: ExportReport = JSON.parse(stdout);
    const cosigned = Number(log.checkpoints[2]?.split('\n')[1]);
    expect(report.coverage).toEqual({
      trusted: { from: 0, to: log.entries.length },
      witnessed: { from: 0, to: cosigned },
      unanchored: { from: cosigned, to: log.entries.length },
    });
    const people = await run(path('export'), '--key', log.vkey, '--witness', log.witnessKey);
    expect(people.stdout).toContain(`until entry ${cosigned - 1}; entries ${cosigned} to `);
  });

  test('of a part of the log says what it does not have', async () => {
    const range = { from: 256, to: log.entries.length };
    const devices = log.devices.map((line) => ({
      ...line,
      entry: Buffer.from(log.entries[line.from] ?? []).toString('base64'),
    }));
    const part = await log.files({
      range,
      devices,
      batches: log.batches.filter(({ index, count }) => index + count > range.from),
      privateParts: log.privateParts.filter(({ index }) => index >= range.from),
    });
    const { status, stdout } = await run(write('part', part), '--key', log.vkey);
    expect([status, stdout]).toEqual([0, expect.stringContaining('256 entries, hashes alone')]);
    const whole = await run(path('part'), '--key', log.vkey, '--whole');
    expect([whole.status, whole.stdout]).toEqual([8, expect.stringContaining('First: entry 0: ')]);
    expect((await run(path('export'), '--key', log.vkey, '--whole')).status).toBe(0);
  });

  test('with none of the entries proves nothing, and does not exit with 0', async () => {
    const lists = { batches: [], devices: [], privateParts: [] };
    const none = await log.files({ range: { from: 0, to: 0 }, ...lists });
    const { status, stdout, stderr } = await run(write('none', none), '--key', log.vkey);
    expect([status, stdout, stderr]).toEqual([
      2,
      '',
      expect.stringContaining('none of them is in this export'),
    ]);
  });

  test('says what rests on the log’s word where a batch is cut off', async () => {
    const longer = new SampleLog();
    longer.control('audit');
    longer.batch(longer.device(), 300);
    await longer.checkpoint();
    const privateParts = longer.privateParts.filter(({ index }) => index < 256);
    const part = await longer.files({ range: { from: 0, to: 256 }, privateParts });
    const { status, stdout } = await run(write('cut', part), '--key', longer.vkey);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ +cut +254 entries rest on the log's word alone/m);
  });

  test('that is CORRUPTED is so for a script, too, which reads no more than a word of it', async () => {
    cpSync(path('export'), path('piped'), { recursive: true });
    rmSync(path('piped', 'tile/entries/001'));
    const entry = fileURLToPath(new URL('main.ts', import.meta.url));
    const verify = `"$@" verify ${path('piped')} --key ${log.vkey} --json; echo $? >&3`;
    // Nobody reads: the pipe is closed before there is anything to say.
    const shell = ['-c', `{ { ${verify}; } | exec true; } 3>&1`, 'bash', process.execPath, entry];
    const { stdout } = await promisify(execFile)('bash', shell);
    expect(stdout).toBe('8\n');
  });

  test('that was changed is CORRUPTED, with the first bad entry', async () => {
    cpSync(path('export'), path('changed'), { recursive: true });
    const bundle = path('changed', 'tile/entries/001');
    const bytes = readFileSync(bundle);
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    writeFileSync(bundle, bytes);
    const { status, stdout } = await run(path('changed'), '--key', log.vkey);
    expect(stdout).toMatch(/^CORRUPTED: /);
    expect(stdout).toContain('First: entry 256: An entry was changed');
    expect(stdout).not.toContain('anchored');
    expect(status).toBe(8);
  });

  test('that is shorter than a checkpoint from before is CORRUPTED', async () => {
    const third = log.checkpoints[2] ?? '';
    const size = Number(third.split('\n')[1]);
    const short = await log.files({
      size,
      checkpoint: third,
      checkpoints: log.checkpoints.slice(0, 3),
      batches: log.batches.filter(({ index }) => index < size),
      privateParts: log.privateParts.filter(({ index }) => index < size),
    });
    write('short', short);
    expect((await run(path('short'), '--key', log.vkey)).status).toBe(0);
    const { status, stdout } = await run(
      path('short'),
      '--key',
      log.vkey,
      '--since',
      path('newest.checkpoint'),
    );
    expect([status, stdout]).toEqual([8, expect.stringContaining('rolled-back')]);
  });

  test('has files of its own, not what a link leads to, nor a pipe', async () => {
    cpSync(path('export'), path('linked'), { recursive: true });
    rmSync(path('linked', 'tile/entries/001'));
    symlinkSync(path('export', 'tile/entries/001'), path('linked', 'tile/entries/001'));
    rmSync(path('linked', 'batches.ndjson'));
    execFileSync('mkfifo', [path('linked', 'batches.ndjson')]);
    const { status, stdout } = await run(path('linked'), '--key', log.vkey);
    expect([status, stdout]).toEqual([8, expect.stringContaining('malformed')]);
    expect(stdout).toContain('is not a plain file');
  });

  test('cannot make the terminal do anything', async () => {
    const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json')));
    const sequence = '\u001b[2Jgone';
    const forged = new Map(files).set(
      'manifest.json',
      Buffer.from(JSON.stringify({ ...manifest, origin: sequence })),
    );
    forged.set('checkpoint', Buffer.from(`${sequence}\n1\n`));
    const { stdout } = await run(write('forged', forged), '--key', log.vkey);
    expect(stdout).not.toContain('\u001b');
    forged.set(
      'checkpoint',
      Buffer.from(`\u009b2Jgone\u202e\n1\n${'A'.repeat(43)}=\n\n— a ${'A'.repeat(8)}\n`),
    );
    const asJson = await run(write('forged', forged), '--key', log.vkey, '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({ origin: '\u009b2Jgone\u202e' });
    expect(asJson.stdout).not.toMatch(/[\u009b\u202e]/);
    for (const names of [[`${sequence}/x`, `${sequence}/x`], [`../${sequence}`]]) {
      const zip = writeZip([...files, ...names.map((name) => [name, new Uint8Array(1)] as const)]);
      writeFileSync(path('forged.zip'), zip);
      const { status, stderr } = await run(path('forged.zip'), '--key', log.vkey);
      expect([status, stderr]).toEqual([2, expect.stringContaining('[2Jgone')]);
      expect(stderr).not.toContain('\u001b');
    }
  });
});

describe('a zip', () => {
  const zipped = (name: string, content: Iterable<readonly [string, Uint8Array]>): string => {
    writeFileSync(path(name), writeZip(content));
    return path(name);
  };

  test('verifies, with the export at its top or in a folder of it', async () => {
    const inFolder = [...files].map(([name, bytes]) => [`export-2026/${name}`, bytes] as const);
    for (const zip of [zipped('top.zip', files), zipped('folder.zip', inFolder)]) {
      const { status, stdout } = await run(zip, '--key', log.vkey);
      expect([status, stdout]).toEqual([0, expect.stringMatching(/^VERIFIED/)]);
    }
  });

  test('is found out like a folder', async () => {
    const tile = tilePath({ level: 0, index: 0, width: 256 });
    const zip = zipped('tile.zip', new Map(files).set(tile, new Uint8Array(256 * 32)));
    expect((await run(zip, '--key', log.vkey)).status).toBe(8);
  });

  test('with two files of one name is refused', async () => {
    const twice = [...files, ['checkpoint', files.get('checkpoint') ?? new Uint8Array()] as const];
    const { status, stderr } = await run(zipped('twice.zip', twice), '--key', log.vkey);
    expect([status, stderr]).toEqual([2, expect.stringContaining('two files called checkpoint')]);
  });

  test('with a path that leads out of it is refused', async () => {
    const { status, stderr } = await run(zipped('out.zip', [...files, ['../out', new Uint8Array(1)]]));
    expect([status, stderr]).toEqual([2, expect.stringContaining('cannot be read as a zip')]);
  });

  test('with a bomb in it is CORRUPTED, and is not decompressed', async () => {
    const bomb = zipped('bomb.zip', new Map(files).set('tile/0/000', new Uint8Array(64 * 1024 * 1024)));
    expect(readFileSync(bomb).length).toBeLessThan(2 * 1024 * 1024);
    const { status, stdout } = await run(bomb, '--key', log.vkey);
    expect([status, stdout]).toEqual([8, expect.stringContaining('is too long')]);
    const line = zipped('line.zip', new Map(files).set('batches.ndjson', new Uint8Array(64 * 1024 * 1024)));
    expect((await run(line, '--key', log.vkey)).stdout).toContain('A line is too long');
  });

  test('that lies about a size is CORRUPTED', async () => {
    const bytes = writeZip(files);
    const name = bytes.lastIndexOf('tile/entries/000');
    // Central directory (APPNOTE 4.3.12): the uncompressed size is 22 bytes before the file name.
    bytes.writeUInt32LE(10, name - 22);
    writeFileSync(path('lie.zip'), bytes);
    const { status, stdout } = await run(path('lie.zip'), '--key', log.vkey);
    expect([status, stdout]).toEqual([8, expect.stringContaining('is damaged within the zip')]);
  });
});

describe('what is no export, or no key', () => {
  beforeEach(() => {
    writeFileSync(path('text'), 'hello');
    mkdirSync(path('empty'), { recursive: true });
  });

  test.each<[string, () => string[], number, RegExp]>([
    ['a path that is not there', () => [path('nowhere')], 4, /There is no/],
    ['a file that is no zip', () => [path('text')], 2, /cannot be read as a zip: .*[^.]\.$/],
    ['an empty folder', () => [path('empty')], 2, /not an export/],
    ['a key that is none', () => [path('export'), '--key', path('text')], 2, /verifier key cannot be read/],
    ['a key file that is not there', () => [path('export'), '--key', path('nowhere')], 4, /cannot be read/],
    [
      'a checkpoint that is none',
      () => [path('export'), '--since', path('text')],
      2,
      /signed note cannot be read/,
    ],
    [
      'the key of a log as that of a witness',
      () => [path('export'), '--witness', log.vkey],
      2,
      /not the key of a witness/,
    ],
  ])('%s is said to be so', async (_what, args, expected, message) => {
    const { status, stderr } = await run(...args());
    expect(stderr).toMatch(message);
    expect(status).toBe(expected);
  });

  test('another organisation is', async () => {
    const other = '00000000-0000-4000-8000-000000000000';
    const { status, stdout } = await run(path('export'), '--key', log.vkey, '--organisation', other);
    expect([status, stdout]).toEqual([8, expect.stringContaining('wrong-organisation')]);
  });
});

describe('time stamps', () => {
  let authority: TestTimeStampAuthority;
  let stranger: TestTimeStampAuthority;
  beforeAll(async () => {
    [authority, stranger] = await Promise.all([
      TestTimeStampAuthority.start(),
      TestTimeStampAuthority.start(),
    ]);
    writeFileSync(path('authority.pem'), authority.root);
    writeFileSync(path('stranger.pem'), stranger.root);
  });
  afterAll(() => Promise.all([authority.stop(), stranger.stop()]));

  /** An export with a token over the checkpoint of this size, which is over `text`. */
  async function stamped(name: string, size: number, text: string): Promise<string> {
    const token = (await authority.stamp(Buffer.from(text))).toString('base64');
    const line = `${JSON.stringify({ kind: 'rfc3161', size, token })}\n`;
    return write(name, new Map(files).set('anchors.ndjson', Buffer.from(line)));
  }
  const checkpoint = (at: number) => {
    const { text } = parseNote(log.checkpoints[at] ?? '');
    return { text, size: Number(text.split('\n')[1]) };
  };

  test('say until where the log was there, and when, to who trusts their authority', async () => {
    const { text, size } = checkpoint(2);
    const folder = await stamped('stamped', size, text);
    const roots = ['--tsa', path('stranger.pem'), '--tsa', path('authority.pem')];
    const { status, stdout } = await run(folder, '--key', log.vkey, ...roots);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`stamped +until entry ${size - 1}, which was there at 20\\d\\d-`));
    expect(stdout).not.toContain('not checked');
  });

  test('of authorities that nobody named are counted, and prove nothing', async () => {
    const { text, size } = checkpoint(2);
    const folder = await stamped('unnamed', size, text);
    for (const roots of [[], ['--tsa', path('stranger.pem')]]) {
      const { status, stdout } = await run(folder, '--key', log.vkey, ...roots);
      expect(status).toBe(0);
      expect(stdout).toMatch(/not checked +RFC 3161 time stamps.*: 1/);
      expect(stdout).not.toMatch(/^ +stamped/m);
    }
  });

  test('over another checkpoint than the one of this log are evidence against it', async () => {
    const { size } = checkpoint(2);
    const folder = await stamped('another', size, checkpoint(1).text);
    const { status, stdout } = await run(folder, '--key', log.vkey, '--tsa', path('authority.pem'));
    expect(status).toBe(8);
    expect(stdout).toContain('time-stamp');
  });

  test('a root that is none is said to be', async () => {
    const { status, stderr } = await run(
      await stamped('rootless', 1, 'x'),
      '--key',
      log.vkey,
      '--tsa',
      path('log.vkey'),
    );
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining('PEM') });
  });
});
