/** What `manifest.json` calls this format; docs/ledger-format.md describes it. */
export const EXPORT_FORMAT = 'raypher-ledger-export/1';

/** Files of an export beside tiles and entry bundles, whose paths are those of c2sp.org/tlog-tiles. */
export const EXPORT_FILES = {
  manifest: 'manifest.json',
  /** The newest signed checkpoint. */
  checkpoint: 'checkpoint',
  /** All that were kept, oldest first; each line is a JSON string. */
  checkpoints: 'checkpoints.ndjson',
  /** The log's key as a C2SP verifier key. */
  key: 'log.vkey',
  devices: 'devices.ndjson',
  batches: 'batches.ndjson',
  privateParts: 'private.ndjson',
  anchors: 'anchors.ndjson',
} as const;

/** Longer lines are refused: the longest that is written holds a private part of 16 KiB, or a timestamp token. */
export const MAX_LINE_BYTES = 256 * 1024;
