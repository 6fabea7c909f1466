export { decodeBytes } from './content/charset.ts';
export { INFLATE_LIMITS } from './content/inflate-limits.ts';
export {
  type InspectedPart,
  type Inspection,
  type InspectOptions,
  inspectBody,
  inspectHeaders,
  inspectUrl,
  type Replace,
  type Rewritten,
} from './content/inspect.ts';
export type { Obstacle, Part, PartRole, Place } from './content/part.ts';
export {
  createPlaceholders,
  type PlaceholderOptions,
  type Placeholders,
  type PlaceholderVault,
} from './content/placeholder/placeholder.ts';
export {
  createRehydrator,
  type RehydrateOptions,
  rehydrateBody,
  rehydrateText,
} from './content/placeholder/rehydrate.ts';
export { type ByteTransform, EventTooLongError } from './content/stream/event-stream.ts';
export type { StreamFormat } from './content/stream/framer.ts';
export { openTail } from './content/stream/open-tail.ts';
export {
  createStreamScanner,
  type StreamFinding,
  type StreamScannerOptions,
} from './content/stream/stream-scanner.ts';
export { LruVerdictCache, type LruVerdictCacheOptions, type VerdictCache } from './content/verdict-cache.ts';
export type { CustomRule, DictionaryRule, FingerprintRule, PatternRule } from './custom/custom-rule.ts';
export { fingerprintDocument } from './custom/fingerprint-document.ts';
export { createScanner, type ScannerOptions } from './detect/create-scanner.ts';
export type { Detector } from './detect/detector.ts';
export { hmacSha256, type KeyedHash, recordFinding } from './detect/record-finding.ts';
export { DETECTORS } from './detectors/all.ts';
export { IDENTIFIERS } from './detectors/identifiers.ts';
export type { DataCategory, DataSeverity, Finding, FindingRecord, FoundHere } from './finding.ts';
export { CircuitBreaker, type CircuitBreakerOptions, CircuitOpenError } from './ner/circuit-breaker.ts';
export { type Enrichment, type EnrichOptions, enrichInspection } from './ner/enrich-inspection.ts';
export {
  type Entity,
  type EntityRecogniser,
  type EntityType,
  entityFinding,
  GUESSED_ENTITIES,
} from './ner/entity.ts';
export { withFallback } from './ner/fallback-recogniser.ts';
export { type OnnxOpened, type OnnxOptions, openOnnxRecogniser } from './ner/onnx/onnx-recogniser.ts';
export { PresidioAnswerError, type PresidioOptions, PresidioRecogniser } from './ner/presidio-recogniser.ts';
export { ruleRecogniser } from './ner/rule-recogniser.ts';
export type { Scanner } from './scanner.ts';
