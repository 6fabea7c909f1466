export * from './canonical.ts';
export * from './chain.ts';
export {
  appendControlEntry,
  ControlEntry,
  type ControlHead,
  DeviceKeyEntry,
  EMPTY_CONTROL_CHAIN,
} from './export/control-entry.ts';
export type { VerifyDeviceSignature } from './export/device-record.ts';
export type { ExportReader } from './export/export-files.ts';
export type { Fault, FaultCode } from './export/fault-log.ts';
export { EXPORT_FILES, EXPORT_FORMAT } from './export/format.ts';
export { linePartPath, lineParts, linePartsFolder } from './export/line-parts.ts';
export type { AnchorLine, BatchLine, DeviceLine, Manifest, PrivateLine } from './export/lines.ts';
export type { EntryRange, ExportReport } from './export/report.ts';
export { splitLines } from './export/split-lines.ts';
export type { TimeStamping } from './export/time-stamp-record.ts';
export { type VerifyExportOptions, verifyExport } from './export/verify-export.ts';
export { type ExportPart, type ExportSource, writeExport } from './export/write-export.ts';
export { DEVICE_STATEMENT, DeviceStatement } from './follow/device-statement.ts';
export { type Followed, followLog, type ShownCheckpoint } from './follow/follow-log.ts';
export { LOG_KEY_CONTEXT, readLogKeyStatement, type StatedLogKey } from './follow/log-key-statement.ts';
export { Frontier } from './merkle/frontier.ts';
export { decodeFrontier, encodeFrontier } from './merkle/frontier-bytes.ts';
export { EMPTY_ROOT, leafHash, nodeHash } from './merkle/hash.ts';
export { type ConsistencyClaim, verifyConsistency } from './merkle/verify-consistency.ts';
export { type InclusionClaim, verifyInclusion } from './merkle/verify-inclusion.ts';
export { type Checkpoint, formatCheckpoint, parseCheckpoint } from './note/checkpoint.ts';
export {
  formatNote,
  formatSignatureLine,
  MAX_SIGNATURES,
  type Note,
  type NoteSignature,
  parseNote,
  parseSignatureLine,
} from './note/note.ts';
export { addSignatures, type NoteSigner, signNote } from './note/sign-note.ts';
export { cosignedBytes, encodeCosignature } from './note/signed-bytes.ts';
export { formatTlogProof, parseTlogProof, type TlogProof } from './note/tlog-proof.ts';
export {
  formatVerifierKey,
  type KeyType,
  keyHash,
  parseVerifierKey,
  type VerifierKey,
  verifierKey,
} from './note/verifier-key.ts';
export { type SignedBy, type VerifiedNote, verifyNote } from './note/verify-note.ts';
export { portablePrimitives } from './primitives/portable-primitives.ts';
export type { Primitives, Sha256 } from './primitives/primitives.ts';
export * from './private-part.ts';
export { decodeEntryBundle, encodeEntryBundle, MAX_LOG_ENTRY_BYTES } from './tiles/entry-bundle.ts';
export { type ExtendedLog, type Extension, extendTiles } from './tiles/extend-tiles.ts';
export { proveConsistency, proveInclusion, type ReadTiles, rootAt } from './tiles/prove.ts';
export { bundlesOf, partialTilesOf, TILE_WIDTH, type TileId, tilesOf } from './tiles/tile-id.ts';
export { entryBundlePath, parseEntryBundlePath, parseTilePath, tilePath } from './tiles/tile-path.ts';
