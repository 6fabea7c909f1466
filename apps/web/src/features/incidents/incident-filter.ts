import { IncidentFilter as Schema } from '@raypher/shared/rest';
import { fits, type Misread, misread } from '../../lib/misread.ts';

/** What the page filters by; the same names as in its URL and in the API. */
export interface PageFilter {
  status: string;
  class: string;
  outcome: string;
  severity: string;
  device: string;
  agent: string;
  host: string;
  from: string;
  to: string;
}

const NAMES = ['status', 'class', 'outcome', 'severity', 'device', 'agent', 'host', 'from', 'to'] as const;

/** What the URL filters by and this page cannot read. */
export function misreadFilters(get: (name: string) => string): Misread[] {
  return misread(get, Object.fromEntries(NAMES.map((name) => [name, fits(Schema.shape[name])])));
}

/** Reads the filter out of the URL, without what {@link misreadFilters} names. */
export function readFilter(get: (name: string) => string): PageFilter {
  const valid = (name: (typeof NAMES)[number]): string => {
    const value = get(name);
    return value !== '' && Schema.shape[name].safeParse(value).success ? value : '';
  };
  return {
    status: valid('status'),
    class: valid('class'),
    outcome: valid('outcome'),
    severity: valid('severity'),
    device: valid('device'),
    agent: valid('agent'),
    host: valid('host'),
    from: valid('from'),
    to: valid('to'),
  };
}

/** For the API: without `status` those that nobody has closed. */
export function queryOf(filter: PageFilter): Record<string, string> {
  const { status, ...rest } = filter;
  const all = { ...rest, status: status === 'all' ? '' : status || 'active' };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

/** True when somebody narrowed the list. */
export function isFiltered(filter: PageFilter): boolean {
  return Object.values(filter).some((value) => value !== '');
}
