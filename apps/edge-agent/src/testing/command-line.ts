/** What `raypher` starts with, for tests that start it as a process. */
export const MAIN = new URL('../cli/main.ts', import.meta.url).pathname;

/**
 * What such a process gets in its environment. It takes what another one compiled, and starts in half the time; so not
 * for what is to use a key: whoever may load other code is refused it. The kernel of this machine is left alone.
 */
export const TEST_ENVIRONMENT: Record<string, string> = {
  NODE_COMPILE_CACHE: new URL('../../../../node_modules/.cache/raypher-compiled', import.meta.url).pathname,
  RAYPHER_GUARD_MODE: 'off',
};
