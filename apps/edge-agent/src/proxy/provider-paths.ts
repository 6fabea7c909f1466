import type { Dialect, Operation, ProviderTable } from './provider-table.ts';

type ProviderEntry = ProviderTable['providers'][number];
type Surface = ProviderTable['surfaces'][string];

/** How a provider wants its key. */
export interface KeyHeader {
  readonly name: string;
  readonly scheme: string;
}

/** What is known about a path of a provider. */
export interface KnownPath {
  readonly dialect: Dialect;
  /** Undefined where no key is taken. */
  readonly key: KeyHeader | undefined;
  /** Undefined for a path that the table does not have. */
  readonly operation: Operation | undefined;
  /** Where in the path the model is named, as it is written there. */
  readonly model: { readonly start: number; readonly end: number } | undefined;
}

interface PathPattern {
  readonly pattern: RegExp;
  readonly known: KnownPath;
}

/** The paths of one provider, compiled from the table. */
export class ProviderPaths {
  readonly #exact = new Map<string, KnownPath>();
  readonly #patterns: PathPattern[] = [];
  readonly #prefixes: PathPattern[] = [];
  readonly #otherwise: KnownPath;

  constructor(provider: ProviderEntry, surfaces: ProviderTable['surfaces']) {
    const spoken = provider.surfaces.flatMap((one) => {
      const surface: Surface | undefined = surfaces[one.speaks];
      if (surface === undefined) return [];
      const { header: name = '', scheme = '' } = surface.key ?? {};
      const key = surface.key === undefined || one.keyless ? undefined : { name, scheme };
      return [{ ...one, ...surface, key, dialect: one.dialect ?? surface.dialect }];
    });
    for (const { at, only, operations, dialect, key } of spoken) {
      const hasVerbs = operations.some(({ path }) => path.includes('{model}:'));
      for (const operation of operations) {
        if (only !== undefined && !only.includes(operation.path)) continue;
        const known = { dialect, key, operation, model: undefined };
        this.#add(`${at}${operation.path}`, known, hasVerbs);
      }
      if (only !== undefined) continue;
      const pattern = new RegExp(`^${source(at)}(?:/|$)`);
      this.#prefixes.push({ pattern, known: { dialect, key, operation: undefined, model: undefined } });
    }
    const usual = spoken.find(({ dialect }) => dialect === provider.dialect) ?? spoken[0];
    this.#otherwise = {
      dialect: provider.dialect ?? usual?.dialect ?? 'generic',
      key: usual?.key,
      operation: undefined,
      model: undefined,
    };
  }

  /** What is usual for the provider. */
  get otherwise(): KnownPath {
    return this.#otherwise;
  }

  /** @param path with or without its query */
  find(path: string): KnownPath {
    const name = path.split(/[?#]/, 1)[0] ?? '';
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    // What a server may read as another path is none that the table describes.
    if (!isPlain(name)) return { ...this.#surfaceOf(name), operation: undefined };
    for (const { pattern, known } of this.#patterns) {
      const match = pattern.exec(name);
      if (match === null) continue;
      const [start, end] = match.indices?.groups?.model ?? [];
      return start === undefined || end === undefined ? known : { ...known, model: { start, end } };
    }
    return this.#surfaceOf(name);
  }

  #surfaceOf(name: string): KnownPath {
    return this.#prefixes.find(({ pattern }) => pattern.test(name))?.known ?? this.#otherwise;
  }

  #add(path: string, known: KnownPath, hasVerbs: boolean): void {
    if (!/[*{]/.test(path)) {
      if (!this.#exact.has(path)) this.#exact.set(path, known);
    } else {
      this.#patterns.push({ pattern: new RegExp(`^${source(path, hasVerbs)}$`, 'd'), known });
    }
  }
}

/**
 * Every wildcard is followed by a slash, a literal or the end, so that no path is tried twice.
 *
 * @param hasVerbs a colon ends the model's name, however it is written: what follows is what is done with it
 */
function source(path: string, hasVerbs = false): string {
  return path
    .replace(/[.]/g, '\\.')
    .replaceAll('/**', '(?:/[^/]+)+')
    .replaceAll('/*', '/[^/]+')
    .replaceAll('{model}', hasVerbs ? '(?<model>(?:(?!%3[aA])[^/:])+)' : '(?<model>[^/]+)');
}

/** No dot segments, doubled or hidden slashes, path parameters: nothing that servers disagree about (RFC 3986 §6.2). */
function isPlain(path: string): boolean {
  if (/\\|;|%2e|%5c|%25/i.test(path)) return false;
  const parts = path.replace(/%2f/gi, '/').split('/').slice(1);
  return parts.every((part, at) => part !== '.' && part !== '..' && (part !== '' || at === parts.length - 1));
}
