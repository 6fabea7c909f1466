import type { ConnectionView } from '@raypher/shared/rest';
import { type Misread, misread, oneOfThese } from '../../lib/misread.ts';
import { oneOf } from '../../lib/use-url-state.ts';

const OUTCOMES = ['ALLOW', 'DENY', 'PROMPT'] as const;
export const SORTS = ['newest', 'cost', 'bytes'] as const;
export type Sort = (typeof SORTS)[number];

/** What the page shows; the same names as in its URL. */
export interface ConnectionFilter {
  search: string;
  device: string;
  agent: string;
  provider: string;
  outcome: 'ALLOW' | 'DENY' | 'PROMPT' | undefined;
  sort: Sort;
}

export function readFilter(get: (name: string) => string): ConnectionFilter {
  return {
    search: get('q'),
    device: get('device'),
    agent: get('agent'),
    provider: get('provider'),
    outcome: oneOf(get('outcome'), OUTCOMES),
    sort: oneOf(get('sort'), SORTS) ?? 'newest',
  };
}

/** What the URL asks for and this page cannot read. */
export function misreadFilters(get: (name: string) => string): Misread[] {
  return misread(get, { outcome: oneOfThese(OUTCOMES), sort: oneOfThese(SORTS) });
}

export function isFiltered({ search, device, agent, provider, outcome }: ConnectionFilter): boolean {
  return [search, device, agent, provider].some((word) => word !== '') || outcome !== undefined;
}

export function matches(row: ConnectionView, filter: ConnectionFilter): boolean {
  if (filter.device !== '' && row.deviceId !== filter.device) return false;
  if (filter.agent !== '' && row.agent?.id !== filter.agent) return false;
  if (filter.provider !== '' && row.provider !== filter.provider) return false;
  if (filter.outcome !== undefined && row.outcome !== filter.outcome) return false;
  if (filter.search === '') return true;
  const words = [
    row.agent?.name,
    row.agent?.user,
    row.hostname,
    `${row.host}${row.path}`,
    row.model,
    row.rule,
  ];
  return words.join(' ').toLowerCase().includes(filter.search.toLowerCase());
}

/** Equal ones stay as they are. */
export function sorted<Row extends ConnectionView>(rows: readonly Row[], sort: Sort): Row[] {
  switch (sort) {
    case 'newest':
      return [...rows];
    case 'cost':
      return rows.toSorted((a, b) => (b.costMicros ?? -1) - (a.costMicros ?? -1));
    case 'bytes':
      return rows.toSorted((a, b) => b.bytesSent + b.bytesReceived - a.bytesSent - a.bytesReceived);
  }
}
