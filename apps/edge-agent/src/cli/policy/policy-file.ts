import { readFileSync } from 'node:fs';
import {
  compilePolicy,
  type LayeredDocument,
  POLICY_LAYERS,
  type PolicyIssue,
  type PolicyLayer,
  type PolicySnapshot,
  parsePolicy,
} from '@raypher/policy';
import { RaypherError } from '@raypher/shared';
import { InvalidArgumentError, Option } from 'commander';
import { cannotRead } from '../../file-fault.ts';

/** A file and the layer that it speaks for. */
export interface LayerFile {
  layer: PolicyLayer;
  file: string;
}

/** `--layer`, for the document that a command is about. */
export function layerOption(): Option {
  return new Option('--layer <layer>', 'which layer the document is for')
    .choices(POLICY_LAYERS)
    .default('global');
}

/** `--with`, for the documents of other layers. */
export function withLayersOption(): Option {
  return new Option('--with <layer=file...>', 'documents of other layers, as in team=team.yaml')
    .argParser((text: string, before: LayerFile[]) => [...before, parseLayerFile(text)])
    .default([], 'none');
}

function parseLayerFile(text: string): LayerFile {
  const [name = '', ...rest] = text.split('=');
  const layer = POLICY_LAYERS.find((one) => one === name);
  const file = rest.join('=');
  if (layer === undefined || file === '') {
    throw new InvalidArgumentError(
      `Write a layer and a file, as in team=team.yaml (${POLICY_LAYERS.join(', ')}).`,
    );
  }
  return { layer, file };
}

/** @throws RaypherError `request/not-found`, `process/permission`; `request/invalid` when it is no text */
export function readSource(file: string): string {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (cause) {
    throw cannotRead(file, cause);
  }
  if (source.includes('\0')) {
    throw new RaypherError('request/invalid', `${file} is not text.`);
  }
  return source;
}

/** @throws RaypherError `policy/syntax` or `policy/schema`, with every mistake and its place */
export function readPolicy({ file, layer }: LayerFile): LayeredDocument {
  const source = readSource(file);
  const parsed = parsePolicy(source, { layer });
  if (parsed.ok) return parsed;
  throw mistakes(file, parsed.issues);
}

/** @throws RaypherError as {@link readPolicy}; `request/invalid` when a layer comes twice */
export function readSnapshot(files: readonly LayerFile[]): PolicySnapshot {
  const twice = files.find(({ layer }, at) => files.findIndex((one) => one.layer === layer) !== at);
  if (twice !== undefined) {
    throw new RaypherError('request/invalid', `The ${twice.layer} layer has more than one document.`, {
      hint: 'Say with --layer which one the first document is for.',
    });
  }
  return compilePolicy({ revision: 0, layers: files.map(readPolicy) });
}

/** @param hint what to do, where checking the file says no more */
export function mistakes(
  file: string,
  issues: readonly PolicyIssue[],
  hint = `Run \`raypher policy check ${file}\`.`,
): RaypherError {
  const code = issues[0]?.code ?? 'policy/schema';
  return new RaypherError(code, issues.map((issue) => `${file}:${describeIssue(issue)}`).join('\n'), {
    hint,
  });
}

/** As compilers print it: line, column, message. */
export function describeIssue({ line, column, message, suggestion }: PolicyIssue): string {
  return `${line}:${column}: ${message}${suggestion === undefined ? '' : ` (did you mean \`${suggestion}\`?)`}`;
}
