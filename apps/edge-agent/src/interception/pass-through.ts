/**
 * Whether a host is one that nobody looks into.
 *
 * @param patterns `host`, or `*.suffix` for every name below it; canonical
 */
export function isPassedThrough(patterns: readonly string[], host: string): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern,
  );
}
