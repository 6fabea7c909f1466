import type { ErrorCode } from '@raypher/shared';

/** Bounds of the wait before connecting again, in milliseconds. */
export const SHORTEST_WAIT_MS = 250;
export const LONGEST_WAIT_MS = 30_000;

/**
 * How long to wait before attempt `attempt` (0 is the first after a failure), with full jitter: a whole
 * fleet that lost the same server comes back spread out
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @param random in [0, 1)
 */
function backoffMs(attempt: number, random = Math.random()): number {
  const ceiling = Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** Math.min(attempt + 1, 20));
  return Math.round(SHORTEST_WAIT_MS + random * (ceiling - SHORTEST_WAIT_MS));
}

/**
 * The wait that a server asked for, spread over half as much again. At most an hour: a server must not be
 * able to switch its devices off with one message.
 */
function requestedWaitMs(afterMs: number, random = Math.random()): number {
  return Math.min(3_600_000, Math.round(afterMs * (1 + random / 2)));
}

/**
 * How long to wait after a connection has ended.
 *
 * @param retryAfterMs what the control plane asked for
 * @param attempt 0 is the first after a failure
 * @param random in [0, 1)
 */
export function waitMs(
  { code, retryAfterMs }: { code: ErrorCode | ''; retryAfterMs: number | undefined },
  attempt: number,
  random = Math.random(),
): number {
  const own = refusalWaitMs(code, random);
  if (retryAfterMs === undefined) return own ?? backoffMs(attempt, random);
  // What the control plane asks of one refused device it has spread already; twice would keep people waiting.
  return requestedWaitMs(retryAfterMs, own === undefined ? random : 0);
}

/** While somebody looks at a list of devices that wait: soon enough for them, seldom enough for a whole fleet. */
const APPROVAL_WAIT_MS = 10_000;
/** What a person took away comes back when a person gives it back. */
const DECISION_WAIT_MS = 60_000;

/**
 * How long to wait after a refusal that only a person can lift: 10–15 s for an approval, 60–90 s otherwise; undefined
 * for everything else.
 *
 * @param random in [0, 1)
 */
function refusalWaitMs(code: ErrorCode | '', random = Math.random()): number | undefined {
  switch (code) {
    case 'device/pending':
      return requestedWaitMs(APPROVAL_WAIT_MS, random);
    case 'device/paused':
    case 'device/revoked':
    case 'device/other-machine':
      return requestedWaitMs(DECISION_WAIT_MS, random);
    default:
      return undefined;
  }
}
