import { bytesToHex } from '@noble/hashes/utils.js';
import { RaypherError } from '@raypher/shared/errors';
import { z } from 'zod';
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from '../note/verifier-key.ts';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { bundlesOf } from '../tiles/tile-id.ts';
import { CheckpointRecord, type ExpectedRoot, type OpenedCheckpoint } from './checkpoint-record.ts';
import { ControlRecord } from './control-record.ts';
import { DeviceKeys } from './device-keys.ts';
import { DeviceRecord, type VerifyDeviceSignature } from './device-record.ts';
import { EntryWalk } from './entry-walk.ts';
import { ExportFiles, type ExportReader } from './export-files.ts';
import { FaultLog } from './fault-log.ts';
import { EXPORT_FILES } from './format.ts';
import { AnchorLine, BatchLine, DeviceLine, type Manifest, PrivateLine } from './lines.ts';
import { expectKept, readLogKey, readNewest } from './log-head.ts';
import { PastRoots } from './past-roots.ts';
import { PrivateRecord } from './private-record.ts';
import { type ExportReport, rangeOf } from './report.ts';
import { StatementRecord } from './statement-record.ts';
import { type TimeStamping, verifyTimeStamps } from './time-stamp-record.ts';
import { TreeWalk } from './tree-walk.ts';

export interface VerifyExportOptions {
  /** The log's key, from somewhere else than the export. Without it the verdict is `CONSISTENT` at best. */
  vkey?: string;
  /** A signed checkpoint that was kept from before: the log must contain all of what it covered. */
  checkpoint?: string;
  /** Verifier keys (cosignature/v1) of witnesses that are trusted. */
  witnesses?: readonly string[];
  /** What time stamps (RFC 3161) are held to; without it they are counted. */
  timeStamping?: TimeStamping;
  /** The organisation that the export shall be of; else the one that the manifest names. */
  organisation?: string;
  /** The export shall have every entry of the log, whatever its manifest says it has. */
  whole?: boolean;
  /** Faster arithmetic, such as `nodePrimitives`. */
  primitives?: Primitives;
  /** Faster checks of device signatures, such as those of WebCrypto. */
  verifyDeviceSignature?: VerifyDeviceSignature;
  /** Called after each bundle of entries. */
  onProgress?: (done: number, size: number) => void;
}

/**
 * Verifies an export (docs/ledger-format.md): every entry, the tree over them, all checkpoints, the chains of devices
 * and of the control plane, the signatures of devices, opened private parts. Reads one bundle at a time.
 *
 * @throws RaypherError `ledger/malformed` when a key or checkpoint that is given cannot be read. What is wrong with
 *   the export is never thrown but reported.
 */
export async function verifyExport(
  reader: ExportReader,
  options: VerifyExportOptions = {},
): Promise<ExportReport> {
  const { primitives = portablePrimitives } = options;
  const given = options.vkey === undefined ? undefined : parseVerifierKey(options.vkey);
  const witnesses = (options.witnesses ?? []).map(parseWitness);
  const faults = new FaultLog();
  const files = new ExportFiles(reader, faults);

  const manifest = await files.manifest();
  const log = await readLogKey(files, given, faults);
  const noteKeys = log === undefined ? undefined : { log, witnesses };
  const newest = await readNewest(files, noteKeys, primitives, faults);
  const size = newest?.size ?? 0;
  const organisation = options.organisation ?? manifest?.organisation;
  compareManifest(manifest, newest, organisation, faults);

  const expected: ExpectedRoot[] = [];
  if (newest !== undefined) {
    const detail = `The entries do not lead to the newest checkpoint, of ${size} entries.`;
    expected.push({ size, root: newest.root, code: 'root-mismatch', detail });
  }
  if (options.checkpoint !== undefined) {
    const kept = expectKept(options.checkpoint, newest, noteKeys, primitives, faults);
    if (kept !== undefined) expected.push(kept);
  }
  const notes = files.cursor(EXPORT_FILES.checkpoints, z.string());
  const checkpoints = new CheckpointRecord(notes, expected, noteKeys, primitives, faults);

  const { sha256 } = primitives;
  const keys = new DeviceKeys(size, faults, sha256);
  await readDeviceKeys(files, keys, organisation, faults);
  const batches = files.cursor(EXPORT_FILES.batches, BatchLine);
  const verify = options.verifyDeviceSignature ?? primitives.verifyP256;
  const devices = new DeviceRecord(keys, batches, verify, faults);
  const control = new ControlRecord(faults);
  const privateParts = new PrivateRecord(files.cursor(EXPORT_FILES.privateParts, PrivateLine), faults);
  const tree = new TreeWalk((path) => files.read(path), faults, sha256);
  const all = { from: 0, to: size };
  const range = options.whole === true ? all : (manifest?.range ?? all);
  const roots = new PastRoots(newest, (path) => files.read(path), faults, sha256);
  const statements = new StatementRecord(newest?.origin, roots, faults);
  const parts = {
    organisation,
    range,
    files,
    keys,
    devices,
    control,
    privateParts,
    statements,
    tree,
    faults,
    sha256,
  };
  const entries = new EntryWalk(parts);

  const grown = (reached: number) => checkpoints.reached(reached, () => tree.root());
  await grown(0);
  await entries.proveKeysOutside(size);
  for (const bundle of bundlesOf(size)) {
    if (!(await entries.bundle(bundle, grown))) break;
    options.onProgress?.(tree.size, size);
  }
  await tree.finish();
  await devices.finish();
  await privateParts.finish();
  keys.finish();
  await checkpoints.finish(newest);
  const stamps = await verifyTimeStamps(
    files.cursor(EXPORT_FILES.anchors, AnchorLine),
    newest,
    (past) => roots.at(past),
    options.timeStamping,
    faults,
  );

  const isIntact = faults.total === 0;
  const isTrusted = isIntact && given !== undefined;
  const witnessedUntil = isIntact ? checkpoints.witnessedUntil : 0;
  return {
    verdict: isTrusted ? 'VERIFIED' : isIntact ? 'CONSISTENT' : 'CORRUPTED',
    keyFrom: given === undefined ? 'export' : 'given',
    vkey: log === undefined ? undefined : formatVerifierKey(log),
    origin: newest?.origin,
    organisation,
    size,
    root: newest === undefined ? undefined : bytesToHex(newest.root),
    range: manifest?.range,
    signedBy: newest?.signedBy.map(({ key }) => key.name) ?? [],
    counts: {
      ...entries.counts,
      controlEntries: control.count,
      devices: devices.devices,
      batches: devices.signedBatches,
      unsigned: devices.unsignedEntries,
      cut: devices.cutEntries,
      checkpoints: checkpoints.count,
      privateOpened: privateParts.opened,
      privateErased: privateParts.erased,
      statements: statements.agreed,
      statementDevices: statements.devices,
      statementsOfOthers: statements.aboutOthers,
      timeStamps: stamps.held,
    },
    coverage: {
      trusted: isTrusted ? rangeOf(0, size) : undefined,
      witnessed: rangeOf(0, witnessedUntil),
      seenByDevices: rangeOf(0, isIntact ? statements.seenUntil : 0),
      stamped: rangeOf(0, isIntact ? (stamps.until?.size ?? 0) : 0),
      unanchored: rangeOf(witnessedUntil, size),
    },
    faults: { total: faults.total, counts: faults.counts, kept: faults.kept, first: faults.first },
    stampedAt: isIntact ? stamps.until?.at.toISOString() : undefined,
    notChecked: stamps.others === 0 ? [] : [notStamped(stamps.others, options.timeStamping)],
  };
}

function notStamped(count: number, stamping: TimeStamping | undefined): string {
  const of = stamping === undefined ? '' : ' of authorities that are not trusted here';
  return `RFC 3161 time stamps${of}: ${count}`;
}

function parseWitness(text: string): VerifierKey {
  const key = parseVerifierKey(text);
  if (key.type === 'cosignature') return key;
  throw new RaypherError('ledger/malformed', `The key of ${key.name} is not the key of a witness.`, {
    hint: 'The key of a witness has signature type 0x04 (cosignature/v1).',
  });
}

function compareManifest(
  manifest: Manifest | undefined,
  newest: OpenedCheckpoint | undefined,
  organisation: string | undefined,
  faults: FaultLog,
): void {
  if (manifest === undefined) return;
  const path = EXPORT_FILES.manifest;
  const fault = (detail: string) => faults.add({ code: 'manifest-mismatch', path, detail });
  const { range } = manifest;
  if (newest !== undefined && manifest.origin !== newest.origin) fault('It names another log.');
  if (newest !== undefined && manifest.size !== newest.size) fault('It has another size of the log.');
  if (range.from > range.to || range.to > manifest.size) fault('Its range is not one of the log.');
  if (manifest.organisation !== organisation) {
    const detail = `The export is of organisation ${manifest.organisation}.`;
    faults.add({ code: 'wrong-organisation', path, detail });
  }
}

async function readDeviceKeys(
  files: ExportFiles,
  keys: DeviceKeys,
  organisation: string | undefined,
  faults: FaultLog,
): Promise<void> {
  for await (const line of files.cursor(EXPORT_FILES.devices, DeviceLine).rest()) {
    keys.add(line);
    if (line.organisation !== organisation) {
      const { device, from } = line;
      const detail = `A device is of organisation ${line.organisation}.`;
      faults.add({ code: 'wrong-organisation', index: from, device, detail });
    }
  }
}
