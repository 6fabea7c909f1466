import { RaypherError } from '@raypher/shared/errors';
import { type Checkpoint, parseCheckpoint } from '../note/checkpoint.ts';
import { parseNote } from '../note/note.ts';
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from '../note/verifier-key.ts';
import type { Primitives } from '../primitives/primitives.ts';
import {
  type ExpectedRoot,
  type NoteKeys,
  type OpenedCheckpoint,
  openCheckpoint,
} from './checkpoint-record.ts';
import type { ExportFiles } from './export-files.ts';
import type { FaultLog } from './fault-log.ts';
import { EXPORT_FILES } from './format.ts';

/** The log's key: the one that was given, else the one in the export. They should be the same. */
export async function readLogKey(
  files: ExportFiles,
  given: VerifierKey | undefined,
  faults: FaultLog,
): Promise<VerifierKey | undefined> {
  const path = EXPORT_FILES.key;
  const text = await files.text(path);
  const fault = (detail: string) => faults.add({ code: 'note-signature', path, detail });
  try {
    // One key and its newline, nothing else.
    const inside = text === undefined ? undefined : parseVerifierKey(text.replace(/\n$/, ''));
    if (given === undefined) return inside;
    if (inside !== undefined && formatVerifierKey(inside) !== formatVerifierKey(given)) {
      fault('The key in the export is not the one that was given.');
    }
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    fault(error.message);
  }
  return given;
}

/**
 * The newest checkpoint. One whose signature is not valid is read all the same, so that what else is wrong can be
 * said; the fault is there.
 */
export async function readNewest(
  files: ExportFiles,
  keys: NoteKeys | undefined,
  primitives: Primitives,
  faults: FaultLog,
): Promise<OpenedCheckpoint | undefined> {
  const path = EXPORT_FILES.checkpoint;
  const note = await files.text(path);
  if (note === undefined) return undefined;
  try {
    if (keys !== undefined) return openCheckpoint(note, keys, primitives);
    faults.add({ code: 'note-signature', path, detail: 'There is no key to hold the checkpoint to.' });
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    faults.add({ code: 'note-signature', path, detail: error.message });
  }
  const unsigned = readUnsigned(note);
  return unsigned === undefined ? undefined : { ...unsigned, signedBy: [] };
}

/** Holds the log to the checkpoint that an auditor kept: what it must lead to, or a fault. */
export function expectKept(
  note: string,
  newest: Checkpoint | undefined,
  keys: NoteKeys | undefined,
  primitives: Primitives,
  faults: FaultLog,
): ExpectedRoot | undefined {
  const kept = parseCheckpoint(parseNote(note).text);
  if (keys === undefined || newest === undefined) return undefined;
  try {
    openCheckpoint(note, keys, primitives);
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    faults.add({ code: 'note-signature', detail: `The checkpoint that you kept: ${error.message}` });
    return undefined;
  }
  const { size, root } = kept;
  if (size > newest.size) {
    const detail = `The checkpoint that you kept has ${size} entries, and the log ends with ${newest.size}.`;
    faults.add({ code: 'rolled-back', detail });
    return undefined;
  }
  const detail = `The log does not lead to the checkpoint of ${size} entries that you kept.`;
  return { size, root, code: 'not-consistent', detail };
}

function readUnsigned(note: string): Checkpoint | undefined {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch {
    return undefined;
  }
}
