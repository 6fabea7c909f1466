import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** @param {import('./manifests.mjs').Manifest} manifest - the module with the type and the validator of its kind. */
function moduleOf({ apiVersion, kind }) {
  const name = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  return `${name}/${apiVersion}/${kind}`;
}

/**
 * Checks manifests as a cluster would with strict field validation. Two things that were generated from the OpenAPI
 * document of Kubernetes (and the custom resource definitions of the Prometheus operator) do it: the validators look at
 * what is required, types, formats and enumerations; the TypeScript compiler refuses fields that the schema does not
 * have, which the validators let pass.
 *
 * @param {import('./manifests.mjs').Manifest[]} manifests
 * @returns {Promise<string[]>} what is wrong; empty when nothing is.
 */
export async function checkSchema(manifests) {
  return [...(await invalid(manifests)), ...(await unknownFields(manifests))];
}

/** @param {import('./manifests.mjs').Manifest[]} manifests */
async function invalid(manifests) {
  const faults = [];
  for (const manifest of manifests) {
    try {
      const module = await import(moduleOf(manifest));
      new module[manifest.kind](manifest).validate();
    } catch (error) {
      faults.push(
        `${manifest.kind} ${manifest.metadata.name}: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
  return faults;
}

/** @param {import('./manifests.mjs').Manifest[]} manifests */
async function unknownFields(manifests) {
  // Modules are looked for in the folders above.
  const cache = join(ROOT, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'manifests-'));
  try {
    const source = manifests.map(
      (manifest, index) =>
        `import type { I${manifest.kind} as T${index} } from '${moduleOf(manifest)}';\n` +
        `export const m${index}: T${index} = ${JSON.stringify(manifest)};\n`,
    );
    await writeFile(join(folder, 'manifests.ts'), source.join(''));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const options = {
      compilerOptions: {
        noEmit: true,
        strict: true,
        module: 'nodenext',
        target: 'es2024',
        skipLibCheck: true,
        types: [],
      },
      files: ['manifests.ts'],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(options));
    return await compile(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
function compile(folder) {
  return new Promise((resolve) => {
    execFile(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], (error, stdout) => {
      const lines = stdout.trim() === '' ? [] : stdout.trim().split('\n');
      resolve(error !== null && lines.length === 0 ? [error.message] : lines);
    });
  });
}
