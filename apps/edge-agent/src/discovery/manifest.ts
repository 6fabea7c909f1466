import { dirname, join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import type { FileView } from './files.ts';

export interface Dependency {
  ecosystem: 'npm' | 'pypi';
  name: string;
  /** As written in the manifest: "^1.2", ">=0.3,<1", "". */
  version: string;
}

export interface Manifest {
  /** "package.json" */
  file: string;
  directory: string;
  dependencies: Dependency[];
}

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MAX_LEVELS = 32;

const Versions = z.record(z.string(), z.unknown()).optional().catch(undefined);
/** Development dependencies are left out: a program that merely tests against a client library does not run on it. */
const PackageJson = z.looseObject({
  name: z.string().optional().catch(undefined),
  dependencies: Versions,
  optionalDependencies: Versions,
  peerDependencies: Versions,
});
const Requirements = z.array(z.string()).optional().catch(undefined);
const PyProject = z.looseObject({
  project: z
    .looseObject({
      dependencies: Requirements,
      'optional-dependencies': z.record(z.string(), Requirements).optional(),
    })
    .optional()
    .catch(undefined),
  tool: z
    .looseObject({ poetry: z.looseObject({ dependencies: Versions }).optional() })
    .optional()
    .catch(undefined),
});

/**
 * The manifest of the project that a directory lies in: the nearest one, going up.
 * A package.json with neither name nor dependencies only sets the module format and is passed over.
 */
export async function findManifest(
  files: FileView,
  directory: string,
  ecosystem: 'npm' | 'pypi',
): Promise<Manifest | undefined> {
  let current = directory;
  for (let level = 0; level < MAX_LEVELS; level += 1) {
    const found = ecosystem === 'npm' ? await readNpm(files, current) : await readPython(files, current);
    if (found !== undefined) return found;
    const parent = dirname(current);
    if (parent === current) return undefined;
    current = parent;
  }
  return undefined;
}

async function readNpm(files: FileView, directory: string): Promise<Manifest | undefined> {
  const text = await files.readText(join(directory, 'package.json'), MAX_MANIFEST_BYTES);
  if (text === undefined) return undefined;
  const json = PackageJson.safeParse(parseJson(text));
  if (!json.success) return undefined;
  const { name, dependencies, optionalDependencies, peerDependencies } = json.data;
  const all = { ...peerDependencies, ...optionalDependencies, ...dependencies };
  const list = Object.entries(all).map(([dependency, version]) => npmDependency(dependency, version));
  if (name === undefined && list.length === 0) return undefined;
  return { file: 'package.json', directory, dependencies: list };
}

/** `"lc": "npm:langchain@1"` installs langchain under another name. */
function npmDependency(name: string, version: unknown): Dependency {
  const written = typeof version === 'string' ? version : '';
  const alias = /^npm:((?:@[^/@]+\/)?[^/@]+)(?:@(.*))?$/.exec(written);
  return { ecosystem: 'npm', name: alias?.[1] ?? name, version: alias === null ? written : (alias[2] ?? '') };
}

async function readPython(files: FileView, directory: string): Promise<Manifest | undefined> {
  const [requirements, pyproject] = await Promise.all([
    files.readText(join(directory, 'requirements.txt'), MAX_MANIFEST_BYTES),
    files.readText(join(directory, 'pyproject.toml'), MAX_MANIFEST_BYTES),
  ]);
  if (requirements === undefined && pyproject === undefined) return undefined;
  const names = [
    requirements === undefined ? [] : ['requirements.txt'],
    pyproject === undefined ? [] : ['pyproject.toml'],
  ];
  return {
    file: names.flat().join(' and '),
    directory,
    dependencies: [...parseRequirements(requirements ?? ''), ...parsePyProject(pyproject ?? '')],
  };
}

/** pip's requirements file: one requirement per line (PEP 508), comments, options and continuation lines. */
export function parseRequirements(text: string): Dependency[] {
  return text
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .flatMap((line) => parseRequirement(line.replace(/(^|\s)#.*$/, '').trim()) ?? []);
}

function parseRequirement(line: string): Dependency | undefined {
  if (line === '' || line.startsWith('-')) return undefined;
  // name[extra1,extra2]>=1.0 ; python_version < "3.13"      name @ https://…      git+https://…#egg=name
  const egg = /[#&]egg=([A-Za-z0-9._-]+)/.exec(line);
  if (egg?.[1] !== undefined) return { ecosystem: 'pypi', name: egg[1], version: '' };
  const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(@|[<>=!~][^;]*)?/.exec(line);
  if (match?.[1] === undefined || /^[a-z+]+:\/\//i.test(line)) return undefined;
  const version = match[2] === undefined || match[2] === '@' ? '' : match[2].trim();
  return { ecosystem: 'pypi', name: match[1], version };
}

function parsePyProject(text: string): Dependency[] {
  const toml = PyProject.safeParse(parseTomlText(text));
  if (!toml.success) return [];
  const { project, tool } = toml.data;
  const written = [
    ...(project?.dependencies ?? []),
    ...Object.values(project?.['optional-dependencies'] ?? {}).flatMap((group) => group ?? []),
  ];
  const poetry = Object.entries(tool?.poetry?.dependencies ?? {})
    .filter(([name]) => name !== 'python')
    .map(
      ([name, version]): Dependency => ({
        ecosystem: 'pypi',
        name,
        version: typeof version === 'string' ? version : '',
      }),
    );
  return [...written.flatMap((line) => parseRequirement(line) ?? []), ...poetry];
}

/** A manifest that does not parse is none: the project belongs to somebody else, and they may be editing it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

function parseTomlText(text: string): unknown {
  try {
    return parseToml(text);
  } catch {
    return undefined;
  }
}
