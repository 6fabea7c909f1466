import { createScanner, type Inspection, inspectBody } from '@raypher/dlp';
import type { ActionRequest } from '@raypher/gate';

const encoder = new TextEncoder();

/** Looks a JSON text through for data that policies name. */
export function inspectJson(json: string): Inspection<Uint8Array> {
  return inspectBody(encoder.encode(json), 'application/json', { scanner: createScanner() });
}

/**
 * What is asked about the data in a message.
 *
 * @returns undefined when there is nothing to ask about
 */
export function dataAction(
  direction: 'in' | 'out',
  target: string,
  { parts, obstacles }: Pick<Inspection<unknown>, 'parts' | 'obstacles'>,
): ActionRequest | undefined {
  const findings = parts.flatMap((part) =>
    part.findings.map(({ category, detector }) => ({ class: category, detector })),
  );
  const different = [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
  if (different.length === 0 && obstacles.length === 0) return undefined;
  return {
    v: 1,
    action: `data.${direction}`,
    target,
    // Without the list, the policy takes it for data that nobody could look through.
    ...(obstacles.length > 0 ? {} : { arguments: { findings: different } }),
  };
}
