import type { Finding } from '../finding.ts';
import type { Scanner } from '../scanner.ts';
import type { Part } from './part.ts';
import { findPlaceholders } from './placeholder/placeholder.ts';

/** Values up to this length are looked at together with their name. */
const LONGEST_NAMED_VALUE = 512;
/** In what is not text only exact formats mean something. */
const EXACT = 0.9;

/**
 * Scans one part: as it is and, when it is short, as `name: "value"`, since many secrets are known by their name
 * alone. What is a placeholder already stays one.
 */
export function scanPart(scanner: Scanner, part: Part): Finding[] {
  const { text, role, label } = part;
  let findings = scanner.scan(text);
  if (label !== undefined && text.length <= LONGEST_NAMED_VALUE && role !== 'protocol' && role !== 'binary') {
    const quote = text.includes('"') ? '' : '"';
    const prefix = `${label}: ${quote}`;
    const named = scanner.scan(`${prefix}${text}${quote}`);
    // The name may also tell that an address was published: of an author, a contributor.
    const told = (finding: Finding): boolean =>
      finding.detector !== 'email' || named.some(({ detector }) => detector === 'email');
    findings = findings.filter(told);
    for (const finding of named) {
      const start = Math.max(0, finding.start - prefix.length);
      const end = Math.min(text.length, finding.end - prefix.length);
      if (start < end && !findings.some((other) => other.start < end && start < other.end)) {
        findings.push({ ...finding, start, end });
      }
    }
    findings.sort((a, b) => a.start - b.start);
  }
  return withoutPlaceholders(
    text,
    findings.filter((finding) => counts(finding, role)),
  );
}

function counts({ category, confidence }: Finding, role: Part['role']): boolean {
  if (role === 'protocol') return category !== 'unknown-secret';
  if (role === 'binary') return category === 'credential' && confidence >= EXACT;
  return true;
}

/** Drops findings that lie inside of placeholders: redaction is done once. */
export function withoutPlaceholders(text: string, findings: Finding[]): Finding[] {
  if (findings.length === 0) return findings;
  const placeholders = findPlaceholders(text);
  if (placeholders.length === 0) return findings;
  return findings.filter(
    ({ start, end }) => !placeholders.some((held) => held.start <= start && end <= held.end),
  );
}
