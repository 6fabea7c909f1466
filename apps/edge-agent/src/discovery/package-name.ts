/**
 * One spelling per package. npm names are lower case; PyPI treats `_`, `-` and `.` alike (PEP 503).
 * Names with a scope keep their characters.
 */
export function normalisePackage(name: string): string {
  const lower = name.toLowerCase();
  return lower.startsWith('@') ? lower : lower.replace(/[-_.]+/g, '-');
}

/**
 * Whether a package is the one a freeze names. `@langchain` names the whole scope;
 * `langchain` does not name `langchain-core`: a freeze hits exactly what was asked for.
 */
export function isSamePackage(wanted: string, found: string): boolean {
  const normal = normalisePackage(wanted);
  const actual = normalisePackage(found);
  if (normal.startsWith('@') && !normal.includes('/')) return actual.startsWith(`${normal}/`);
  return normal === actual;
}

const NPM_PATH = /\/node_modules\/((?:@[^/]+\/)?[^/@.][^/]*)(?=\/|$)/g;
const PYPI_PATH = /\/(?:site-packages|dist-packages)\/([^/]+)(?=\/|$)/g;

/**
 * The package that a path lies in: the innermost one.
 *
 * @example packageOfPath('/srv/bot/node_modules/@langchain/core/dist/index.js') // npm, @langchain/core
 */
export function packageOfPath(path: string): { ecosystem: 'npm' | 'pypi'; name: string } | undefined {
  const npm = [...path.matchAll(NPM_PATH)].at(-1)?.[1];
  if (npm !== undefined) return { ecosystem: 'npm', name: npm };
  const entry = [...path.matchAll(PYPI_PATH)].at(-1)?.[1];
  if (entry === undefined) return undefined;
  // `torch`, `torch-2.4.dist-info`, `six.py`, `yaml.cpython-312-x86_64-linux-gnu.so`, `numpy.libs`
  const name = entry.replace(/-[\d][^/]*\.(dist-info|egg-info|egg)$/, '').replace(/\..*$/, '');
  return name === '' || name === '__pycache__'
    ? undefined
    : { ecosystem: 'pypi', name: normalisePackage(name) };
}
