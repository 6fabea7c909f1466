import { RaypherError } from '@raypher/shared';

/** What one look found. */
export interface Finding {
  state: 'ok' | 'warn' | 'fail';
  /** What was seen, one sentence. */
  evidence: string;
  /** What to do about it; empty when nothing is to be done. */
  advice: string;
}

export interface Check {
  name: string;
  run: () => Finding | Promise<Finding>;
}

/** Long enough for a slow TPM or network, short enough for somebody who waits. */
const WITHIN_MS = 12_000;

export const ok = (evidence: string): Finding => ({ state: 'ok', evidence, advice: '' });
export const warn = (evidence: string, advice: string): Finding => ({ state: 'warn', evidence, advice });
export const fail = (evidence: string, advice: string): Finding => ({ state: 'fail', evidence, advice });

/** An error as a finding; ours say what to do next. */
export function failed(error: unknown): Finding {
  if (error instanceof RaypherError) return fail(error.message, error.hint ?? '');
  return fail(error instanceof Error ? error.message : String(error), '');
}

/** Runs one check: whatever happens in it is a finding, also that nothing happens. */
export async function runCheck({ name, run }: Check): Promise<Finding & { name: string }> {
  const { promise: late, resolve } = Promise.withResolvers<Finding>();
  const timer = setTimeout(() => resolve(fail(`no result within ${WITHIN_MS / 1000} s`, '')), WITHIN_MS);
  try {
    return { name, ...(await Promise.race([(async () => run())(), late])) };
  } catch (error) {
    return { name, ...failed(error) };
  } finally {
    clearTimeout(timer);
  }
}
