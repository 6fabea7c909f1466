import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writePrivateFile } from '../identity/private-file.ts';

/** What `raypher install` made, so that `raypher uninstall` removes that and nothing else. */
const InstallRecord = z.object({
  version: z.literal(1),
  /** The data folder was not there before. */
  madeData: z.boolean(),
  files: z.record(z.string(), z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
  /** Where the root was entered into a store that is not ours alone: an NSS database, or a name in Java's list. */
  trust: z
    .array(z.object({ kind: z.enum(['nss', 'java']), store: z.string(), fingerprint: z.string() }))
    .default([]),
});
export type InstallRecord = z.infer<typeof InstallRecord>;

function recordFile(dataDir: string): string {
  return join(dataDir, 'install.json');
}

/** An unreadable record is no record: what it named is then kept, and said. */
export function loadInstallRecord(dataDir: string): InstallRecord {
  const file = recordFile(dataDir);
  try {
    if (existsSync(file)) return InstallRecord.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Falls through to the empty one.
  }
  return { version: 1, madeData: false, files: {}, trust: [] };
}

export function saveInstallRecord(dataDir: string, record: InstallRecord): void {
  writePrivateFile(recordFile(dataDir), `${JSON.stringify(record, null, 2)}\n`);
}

export function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
