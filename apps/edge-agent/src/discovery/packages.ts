import { isBuiltin } from 'node:module';
import { basename } from 'node:path';
import type { Entry } from './entry.ts';
import type { FileView } from './files.ts';
import { findManifest } from './manifest.ts';
import { normalisePackage, packageOfPath } from './package-name.ts';

/** A package that a process was seen to use, and how that is known. */
export interface PackageEvidence {
  ecosystem: 'npm' | 'pypi';
  name: string;
  evidence: string;
}

const MAX_SOURCE_BYTES = 512 * 1024;

/** Packages that the files a process has mapped or open belong to. */
export function packagesOfFiles(paths: Iterable<string>): PackageEvidence[] {
  const found = new Map<string, PackageEvidence>();
  for (const path of paths) {
    const owner = packageOfPath(path);
    if (owner === undefined || found.has(owner.name)) continue;
    found.set(owner.name, { ...owner, evidence: `has ${path} of ${owner.name} loaded` });
  }
  return [...found.values()];
}

/** The package or module that the command line names. */
export function packagesOfCommand(entry: Entry): PackageEvidence[] {
  if (entry.program.kind === 'module') {
    const name = packageOfModule(entry.program.name);
    return [{ ecosystem: 'pypi', name, evidence: `runs the module ${entry.program.name}` }];
  }
  const ecosystem = entry.runtime === 'python' ? 'pypi' : 'npm';
  if (entry.ownPackage === undefined) return [];
  return [{ ecosystem, name: entry.ownPackage, evidence: `runs ${entry.script} of ${entry.ownPackage}` }];
}

/** Packages that the script itself, or the code on the command line, imports by name. */
export async function packagesOfSource(entry: Entry, files: FileView): Promise<PackageEvidence[]> {
  const { program, script, runtime } = entry;
  const inline = program.kind === 'inline';
  if (!inline && (program.kind !== 'script' || entry.ownPackage !== undefined)) return [];
  const source = inline ? program.code : await files.readText(script, MAX_SOURCE_BYTES);
  if (source === undefined || source === '') return [];
  const where = inline ? `code given by ${program.flag}` : basename(script);
  return runtime === 'python' ? pythonImports(source, where) : scriptImports(source, where);
}

/** Packages that the manifest of the entry script's project lists. */
export async function packagesOfManifest(entry: Entry, files: FileView): Promise<PackageEvidence[]> {
  if (entry.projectDirectory === undefined) return [];
  const ecosystem = entry.runtime === 'python' ? 'pypi' : 'npm';
  const manifest = await findManifest(files, entry.projectDirectory, ecosystem);
  if (manifest === undefined) return [];
  return manifest.dependencies.map(({ name, version, ...rest }) => ({
    ...rest,
    name,
    evidence: `${manifest.file} of ${manifest.directory} lists ${`${name} ${version}`.trim()}`,
  }));
}

/** `langchain_core.tools` is of langchain-core; Google's packages share one module and differ in the second part. */
function packageOfModule(module: string): string {
  const [top = '', second] = module.split('.');
  return normalisePackage(top === 'google' && second !== undefined ? `${top}-${second}` : top);
}

function pythonImports(source: string, where: string): PackageEvidence[] {
  const modules = new Set<string>();
  // `import a.b as c, d` and `from a.b import c`, at the start of a line or after a semicolon.
  for (const match of source.matchAll(
    /(?:^|[;\n])[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b([^\n;]*)|import[ \t]+([^\n;#]+))/g,
  )) {
    const [, from, names = '', list = ''] = match;
    if (from === 'google') for (const name of words(names)) modules.add(`google.${name}`);
    else if (from !== undefined && !from.startsWith('.')) modules.add(from);
    for (const name of words(list)) modules.add(name);
  }
  return [...modules].map((module) => ({
    ecosystem: 'pypi',
    name: packageOfModule(module),
    evidence: `${where} imports ${module}`,
  }));
}

function words(list: string): string[] {
  return list.split(',').flatMap((part) => /^[\s(]*([\w.]+)/.exec(part)?.[1] ?? []);
}

function scriptImports(source: string, where: string): PackageEvidence[] {
  const names = new Set<string>();
  for (const match of source.matchAll(
    /\b(?:from|import|require)\s{0,40}\(?\s{0,40}(['"])([^'"\s]{1,200})\1/g,
  )) {
    const specifier = match[2] ?? '';
    if (/^[./#]|^[a-z]+:\/\//.test(specifier) || isBuiltin(specifier)) continue;
    const name = /^(?:npm:)?((?:@[^/]+\/)?[^/@]+)/.exec(specifier)?.[1];
    if (name !== undefined) names.add(name);
  }
  return [...names].map((name) => ({ ecosystem: 'npm', name, evidence: `${where} imports ${name}` }));
}
