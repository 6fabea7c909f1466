/** What `raypher` starts with, for tests that start it as a process. */
export const MAIN = new URL('../cli/main.ts', import.meta.url).pathname;

/**
 * In its environment such a process takes what another one compiled, and starts in half the time. Not in the environment of
 * what is to use a key: whoever may load other code is refused it.
 */
export const COMPILED: Record<string, string> = {
  NODE_COMPILE_CACHE: new URL('../../../../node_modules/.cache/raypher-compiled', import.meta.url).pathname,
};
