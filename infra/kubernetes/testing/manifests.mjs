import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const KUBERNETES = fileURLToPath(new URL('..', import.meta.url));

/** Not sent to a cluster: kustomize's own, and the configuration of another program. */
const OTHERS = ['kustomization.yaml', 'prometheus-adapter.yaml'];

/**
 * @typedef {{ apiVersion: string, kind: string, metadata: { name: string, labels?: Record<string, string> },
 *   spec?: any, data?: Record<string, string> }} Manifest
 */

/**
 * @param {'base' | 'monitoring'} folder
 * @returns {Promise<Manifest[]>}
 */
export async function readManifests(folder) {
  const files = (await readdir(join(KUBERNETES, folder))).filter((file) => !OTHERS.includes(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(KUBERNETES, folder, file), 'utf8')));
  return texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJS();
    }),
  );
}
