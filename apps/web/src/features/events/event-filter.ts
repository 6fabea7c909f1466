import { EventQuery, type EventView } from '@raypher/shared/rest';
import { fits, type Misread, misread } from '../../lib/misread.ts';

/** What the page filters by; the same names as in its URL and in the API. */
export interface EventFilter {
  search: string;
  device: string;
  agent: string;
  provider: string;
  model: string;
  type: EventView['type'] | undefined;
  outcome: 'ALLOW' | 'DENY' | 'PROMPT' | undefined;
  severity: EventView['severity'] | undefined;
  from: string;
  to: string;
}

/** Reads the filter out of the URL, without what {@link misreadFilters} names. */
export function readFilter(get: (name: string) => string): EventFilter {
  return {
    search: get('q'),
    device: valid('device', get('device')),
    agent: get('agent'),
    provider: get('provider'),
    model: get('model'),
    type: EventQuery.shape.type.safeParse(get('type') || undefined).data,
    outcome: EventQuery.shape.outcome.safeParse(get('outcome') || undefined).data,
    severity: EventQuery.shape.severity.safeParse(get('severity') || undefined).data,
    from: valid('from', get('from')),
    to: valid('to', get('to')),
  };
}

/** What the URL filters by and this page cannot read. */
export function misreadFilters(get: (name: string) => string): Misread[] {
  const { device, agent, provider, model, type, outcome, severity, from, to, search } = EventQuery.shape;
  return misread(get, {
    q: fits(search),
    device: fits(device),
    agent: fits(agent),
    provider: fits(provider),
    model: fits(model),
    type: fits(type),
    outcome: fits(outcome),
    severity: fits(severity),
    from: fits(from),
    to: fits(to),
  });
}

function valid(name: 'device' | 'from' | 'to', value: string): string {
  return value !== '' && EventQuery.shape[name].safeParse(value).success ? value : '';
}

/** True when a live event belongs on a page with this filter. The server decides the same for fetched ones. */
export function matchesFilter(event: EventView, filter: EventFilter): boolean {
  if (filter.device !== '' && event.deviceId !== filter.device) return false;
  if (filter.agent !== '' && event.actor.id !== filter.agent) return false;
  // What was called is in the entry, which live rows do not carry: the list is fetched.
  if (filter.provider !== '' || filter.model !== '') return false;
  if (filter.type !== undefined && event.type !== filter.type) return false;
  if (filter.outcome !== undefined && event.outcome !== filter.outcome) return false;
  if (filter.severity !== undefined && event.severity !== filter.severity) return false;
  if (filter.from !== '' && event.occurredAt < filter.from) return false;
  if (filter.to !== '' && event.occurredAt > filter.to) return false;
  if (filter.search === '') return true;
  const words =
    `${event.actor.name} ${event.action} ${event.target} ${event.hostname} ${event.rule ?? ''}`.toLowerCase();
  return words.includes(filter.search.toLowerCase());
}
