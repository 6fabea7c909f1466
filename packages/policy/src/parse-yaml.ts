import { type Document, parseDocument } from 'yaml';

/**
 * Parses YAML by the core schema of 1.2, whatever a `%YAML` directive asks for: 1.1 merges mappings, and takes `on` and
 * `no` for truth values.
 */
export function parseYaml(source: string): Document {
  return parseDocument(source, {
    schema: 'core',
    merge: false,
    prettyErrors: false,
    // The library compares every key with every other; ours is linear, see readDocument.
    uniqueKeys: false,
    // What is odd about a source is an issue of it, and no warning of this process.
    logLevel: 'error',
  });
}
