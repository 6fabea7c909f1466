/**
 * @typedef {object} Locked
 * @property {string} [resolved]
 * @property {boolean} [link]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 *
 * @typedef {{ packages: Record<string, Locked> }} Lock
 */

/**
 * What a workspace needs in production, from package-lock.json (lockfileVersion 3): the workspaces it depends on, and
 * the folders of the packages. Optional packages count where they are installed; peers, where they are not optional.
 *
 * @param {Lock} lock
 * @param {string} workspace - for example `apps/ingestor`.
 * @param {(path: string) => boolean} isInstalled
 * @returns {{ workspaces: { name: string, path: string }[], packages: string[] }}
 * @throws Error when something that is needed is not in the lock or not installed.
 */
export function productionPackages(lock, workspace, isInstalled) {
  /** @type {Map<string, string>} */
  const workspaces = new Map();
  /** @type {Set<string>} */
  const packages = new Set();
  const open = [workspace];
  const seen = new Set(open);
  for (let location = open.pop(); location !== undefined; location = open.pop()) {
    for (const { name, isOptional } of needs(lock.packages[location] ?? {})) {
      const found = resolve(lock, location, name);
      const locked = found === undefined ? undefined : lock.packages[found];
      if (found === undefined || locked === undefined || !isInstalled(found)) {
        if (isOptional) continue;
        throw new Error(`${location} needs ${name}, which is not installed`);
      }
      const next = locked.link === true ? (locked.resolved ?? found) : found;
      if (locked.link === true) workspaces.set(name, next);
      else packages.add(found);
      if (!seen.has(next)) {
        seen.add(next);
        open.push(next);
      }
    }
  }
  return {
    workspaces: [...workspaces].map(([name, path]) => ({ name, path })),
    packages: [...packages].sort(),
  };
}

/** @param {Locked} locked */
function* needs(locked) {
  const optional = new Set(Object.keys(locked.optionalDependencies ?? {}));
  for (const name of Object.keys(locked.dependencies ?? {})) yield { name, isOptional: optional.has(name) };
  for (const name of optional) yield { name, isOptional: true };
  for (const name of Object.keys(locked.peerDependencies ?? {})) {
    if (locked.peerDependenciesMeta?.[name]?.optional !== true) yield { name, isOptional: false };
  }
}

/**
 * As Node.js looks for it: in the folders above.
 *
 * @param {Lock} lock
 * @param {string} location
 * @param {string} name
 */
function resolve(lock, location, name) {
  const parts = location.split('/');
  for (let length = parts.length; length >= 0; length -= 1) {
    const folder = parts.slice(0, length);
    if (folder.at(-1) === 'node_modules') continue;
    const candidate = [...folder, 'node_modules', name].join('/');
    if (lock.packages[candidate] !== undefined) return candidate;
  }
  return undefined;
}
