import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RaypherError } from '@raypher/shared';
import {
  createForensicKey,
  describeSnapshot,
  ForensicKeyFile,
  openSnapshot,
  readForensicKey,
  SnapshotFault,
} from '@raypher/vault';
import { Command } from 'commander';
import { z } from 'zod';
import { cannotRead, cannotWrite, isMissing } from '../file-fault.ts';
import { writePrivateFile } from '../identity/private-file.ts';
import { decodeSnapshot } from '../panic/snapshot.ts';
import { withJson } from './global-options.ts';
import { count, print } from './output.ts';

const Segments = z.object({
  memory: z
    .object({
      segments: z.array(
        z.object({ pid: z.int(), start: z.string().regex(/^[0-9a-f]+$/), bytes: z.int(), offset: z.int() }),
      ),
    })
    .nullable(),
});

const keygenCommand = withJson(new Command('keygen'))
  .description("make the organisation's forensic key; only whoever has the file opens snapshots")
  .argument('<file>', 'where the key goes; it must not exist yet')
  .addHelpText(
    'after',
    `
Keep the file off the machines it is for, and keep a copy: what is sealed to a lost key stays sealed. What is
printed is the public half, for the console under Settings.

Examples:
  raypher forensics keygen /media/safe/forensic.key

Exit codes: 0 made, 2 there is a file already, 3 not permitted, 4 there is no such folder.`,
  )
  .action(async (file: string, options: { json?: boolean }) => {
    if (existsSync(file)) {
      throw new RaypherError('request/invalid', `${file} exists; a key is never overwritten.`, {
        hint: 'Choose another name.',
      });
    }
    requireFolderOf(file);
    const key = await createForensicKey('organisation');
    try {
      writePrivateFile(file, `${JSON.stringify(key, null, 2)}\n`);
    } catch (cause) {
      throw cannotWrite(file, cause);
    }
    const { keyId, publicKey } = key;
    print({ keyId, publicKey }, options.json === true, () => [
      `Key ${keyId} is in ${file}, readable by its owner alone.`,
      'The public half, for the console (Settings, Forensic key):',
      publicKey,
    ]);
  });

const openCommand = withJson(new Command('open'))
  .description('decrypt a snapshot and check that it is as it was sealed')
  .argument('<file>', 'the sealed snapshot')
  .requiredOption('--key <file>', 'the key it is sealed to')
  .option('--sha256 <hash>', 'what the ledger says it hashes to; refused when it does not')
  .option('--output <folder>', 'write snapshot.json and the dumped memory there instead of printing')
  .addHelpText(
    'after',
    `
Examples:
  raypher forensics open 4f1c….snapshot --key /media/safe/forensic.key > snapshot.json
  raypher forensics open 4f1c….snapshot --key forensic.key --sha256 HASH --output evidence

Exit codes: 0 opened, 2 no key, no snapshot or no folder for it, 3 another key, or not permitted, 4 no such file,
8 changed after it was sealed.`,
  )
  .action(
    async (file: string, options: { key: string; sha256?: string; output?: string; json?: boolean }) => {
      const sealed = readBytes(file, 'a file with a sealed snapshot');
      const sha256 = createHash('sha256').update(sealed).digest('hex');
      if (options.sha256 !== undefined && options.sha256.toLowerCase() !== sha256) {
        throw new RaypherError('store/corrupt', `${file} hashes to ${sha256}, not to what was expected.`, {
          hint: 'It is another snapshot, or it was changed.',
        });
      }
      const { about, content } = await opened(file, sealed, options.key);
      const { snapshot, memory } = decodeSnapshot(content);
      if (options.output === undefined) {
        process.stdout.write(`${JSON.stringify(snapshot, null, 2)}\n`);
        return;
      }
      const written = writtenEvidence(options.output, snapshot, memory);
      print({ ...about, sha256, files: written }, options.json === true, () => [
        `Snapshot of panic ${about.panic} of ${about.at}, SHA-256 ${sha256}: unchanged since it was sealed.`,
        `Wrote ${count(written, 'file')} to ${options.output}.`,
      ]);
    },
  );

export const forensicsCommand = new Command('forensics').addCommand(keygenCommand).addCommand(openCommand);

async function opened(file: string, sealed: Buffer, keyFile: string) {
  try {
    describeSnapshot(sealed);
    return await openSnapshot(await readKey(keyFile), sealed);
  } catch (error) {
    if (!(error instanceof SnapshotFault)) throw error;
    switch (error.kind) {
      case 'damaged':
        throw new RaypherError('request/invalid', `${file} is no sealed snapshot.`, { cause: error });
      case 'other-key':
        throw new RaypherError('auth/forbidden', error.message, {
          hint: 'Give the file of the key that it names.',
          cause: error,
        });
      case 'changed':
        throw new RaypherError('store/corrupt', `${file} does not open: ${error.message}`, { cause: error });
    }
  }
}

async function readKey(path: string) {
  let value: unknown;
  try {
    value = JSON.parse(readBytes(path, 'a file with a forensic key').toString('utf8'));
  } catch (error) {
    if (error instanceof RaypherError) throw error;
    // What the parser quotes could be a part of a key.
    throw noKey(path);
  }
  const parsed = ForensicKeyFile.safeParse(value);
  if (!parsed.success) throw noKey(path);
  try {
    return await readForensicKey(parsed.data);
  } catch {
    throw noKey(path);
  }
}

function noKey(path: string): RaypherError {
  return new RaypherError('request/invalid', `${path} is no forensic key.`, {
    hint: '`raypher forensics keygen` and the console make such files.',
  });
}

function writtenEvidence(folder: string, snapshot: unknown, memory: Buffer): number {
  try {
    return writeEvidence(folder, snapshot, memory);
  } catch (cause) {
    throw cannotWrite(folder, cause);
  }
}

function writeEvidence(folder: string, snapshot: unknown, memory: Buffer): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writePrivateFile(join(folder, 'snapshot.json'), `${JSON.stringify(snapshot, null, 2)}\n`);
  const { memory: dumped } = Segments.parse(snapshot);
  for (const { pid, start, bytes, offset } of dumped?.segments ?? []) {
    writePrivateFile(join(folder, `memory-${pid}-${start}.bin`), memory.subarray(offset, offset + bytes));
  }
  return 1 + (dumped?.segments.length ?? 0);
}

/** A folder that is missing is not made: where a drive is not mounted, the key would end up on this machine's own. */
function requireFolderOf(file: string): void {
  const folder = dirname(resolve(file));
  try {
    if (statSync(folder).isDirectory()) return;
  } catch (cause) {
    if (!isMissing(cause)) throw cannotWrite(file, cause);
    throw new RaypherError('request/not-found', `The folder ${folder} does not exist.`, {
      hint: 'If it is on a removable drive, that may not be mounted. Otherwise make the folder first.',
      cause,
    });
  }
  throw new RaypherError('request/invalid', `${folder} is no folder.`, { hint: 'Choose another place.' });
}

function readBytes(path: string, expected: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw cannotRead(path, cause, expected);
  }
}
