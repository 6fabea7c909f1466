/** Version 00 with the flag "sampled" (W3C Trace Context §3.2); whatever else is said is not for us. */
const SAMPLED = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-01$/;

/** @returns undefined for anything that is not the trace of somebody who wants it recorded. */
export function parseTraceparent(text: string | undefined): { traceId: string; spanId: string } | undefined {
  const [, traceId, spanId] = SAMPLED.exec(text ?? '') ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}

export function formatTraceparent({ traceId, spanId }: { traceId: string; spanId: string }): string {
  return `00-${traceId}-${spanId}-01`;
}
