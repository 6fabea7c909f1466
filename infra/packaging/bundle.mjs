import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from '../local/paths.mjs';

const AGENT = join(ROOT, 'apps', 'edge-agent');

/**
 * Writes the whole command line as one CommonJS file; Node's single executables run no other kind.
 *
 * @param {string} outfile
 * @param {string} addon - npm package of the foreign-function library for the platform, such as
 *   `@koromix/koffi-linux-x64`.
 */
export async function bundleAgent(outfile, addon) {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [join(AGENT, 'src', 'cli', 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // The licences of what is inside stay inside.
    legalComments: 'inline',
    // CommonJS has no import.meta; what needs a path of its own asks readPackagedFile.
    define: { 'import.meta.url': '"file:///raypher"' },
    logLevel: 'warning',
    plugins: [addonFromInside(addon)],
  });
}

/** @param {string} text */
const js = (text) => ({ contents: text, loader: /** @type {const} */ ('js'), resolveDir: AGENT });

/**
 * Lets `createRequire(import.meta.url)('koffi')` find the library in the bundle, and the library its native half in
 * the executable.
 *
 * @param {string} addon
 * @returns {import('esbuild').Plugin}
 */
function addonFromInside(addon) {
  return {
    name: 'addon-from-inside',
    setup(plugins) {
      const sources = join(AGENT, 'src');
      plugins.onResolve({ filter: /^node:module$/ }, ({ importer }) =>
        importer.startsWith(sources) ? { path: 'require', namespace: 'inside' } : undefined,
      );
      plugins.onLoad({ filter: /^require$/, namespace: 'inside' }, () =>
        js(`
          export * from 'node:module';
          export function createRequire() {
            return (name) => {
              if (name === 'koffi') return require('koffi');
              throw new Error(name + ' is not part of this executable');
            };
          }`),
      );
      plugins.onResolve({ filter: /^@koromix\/koffi-/ }, ({ path }) => ({ path, namespace: 'addon' }));
      plugins.onLoad({ filter: /./, namespace: 'addon' }, ({ path }) =>
        js(path === addon ? readFileSync(join(import.meta.dirname, 'load-addon.cjs'), 'utf8') : ''),
      );
    },
  };
}
