import { isIpAddress, normaliseHost } from './host.ts';

/** Where a connection goes, as a rule names it. */
export type Destination =
  | { readonly kind: 'any' }
  | { readonly kind: 'exact'; readonly host: string }
  /** Every host below `suffix`, at any depth, but not `suffix` itself. */
  | { readonly kind: 'suffix'; readonly suffix: string };

export type ParsedDestination =
  | { readonly ok: true; readonly destination: Destination }
  | { readonly ok: false; readonly problem: string; readonly suggestion?: string };

/**
 * Reads `*`, `*.suffix` or an exact host (name or IP address) in any spelling.
 *
 * @example parseDestination('*.DeepSeek.com.') // { ok: true, destination: { kind: 'suffix', suffix: 'deepseek.com' } }
 */
export function parseDestination(pattern: string): ParsedDestination {
  if (pattern === '*') return { ok: true, destination: { kind: 'any' } };
  if (pattern.includes('://')) return refuseUrl(pattern);
  const isSuffix = pattern.startsWith('*.');
  const written = isSuffix ? pattern.slice(2) : pattern;
  if (written.includes('*')) return refuseStar(pattern);
  const host = normaliseHost(written);
  if (host === undefined) return refuseHost(pattern);
  if (!isSuffix) return { ok: true, destination: { kind: 'exact', host } };
  if (isIpAddress(host)) return { ok: false, problem: 'an IP address has no subdomains', suggestion: host };
  return { ok: true, destination: { kind: 'suffix', suffix: host } };
}

/** The canonical spelling of a destination; `parseDestination` of it gives the same destination. */
export function formatDestination(destination: Destination): string {
  switch (destination.kind) {
    case 'any':
      return '*';
    case 'exact':
      return destination.host;
    case 'suffix':
      return `*.${destination.suffix}`;
  }
}

/** Whether a canonical host ({@link normaliseHost}) is one of the destination's. */
export function destinationMatches(destination: Destination, host: string): boolean {
  switch (destination.kind) {
    case 'any':
      return true;
    case 'exact':
      return host === destination.host;
    case 'suffix':
      return host.endsWith(`.${destination.suffix}`);
  }
}

function refuseUrl(pattern: string): ParsedDestination {
  const host = URL.parse(pattern)?.hostname;
  return {
    ok: false,
    problem: 'a destination is a host, not a URL',
    ...(host === undefined || host === '' ? {} : { suggestion: host }),
  };
}

function refuseStar(pattern: string): ParsedDestination {
  const problem = '`*` stands alone or for whole labels at the start, as in `*.example.com`';
  const suffix = /^\*([^*.][^*]*\.[^*]+)$/.exec(pattern)?.[1];
  return { ok: false, problem, ...(suffix === undefined ? {} : { suggestion: `*.${suffix}` }) };
}

function refuseHost(pattern: string): ParsedDestination {
  const withoutPathAndPort = pattern.replace(/[/?#].*$/, '').replace(/:\d+$/, '');
  const bare = withoutPathAndPort.replace(/^\*\./, '');
  const isUsable = withoutPathAndPort !== pattern && !bare.includes('*') && normaliseHost(bare) !== undefined;
  return {
    ok: false,
    problem: isUsable
      ? 'write the host alone, without port or path'
      : 'this is not a host name or IP address',
    ...(isUsable ? { suggestion: withoutPathAndPort } : {}),
  };
}
