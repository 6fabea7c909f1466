export type { DataCategory, DataSeverity, Finding, FindingRecord } from './finding.ts';
export type { Scanner } from './scanner.ts';
export type { CustomRule, DictionaryRule, FingerprintRule, PatternRule } from './custom/custom-rule.ts';
export { fingerprintDocument } from './custom/fingerprint-document.ts';
export { createScanner, type ScannerOptions } from './detect/create-scanner.ts';
export type { Detector } from './detect/detector.ts';
export { hmacSha256, type KeyedHash, recordFinding } from './detect/record-finding.ts';
export { DETECTORS } from './detectors/all.ts';
