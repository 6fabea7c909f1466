import type { SpendGroup } from '@raypher/shared/rest';
import type { SpendRange } from './range.ts';

/** Where the calls behind a number are; undefined where they cannot be told apart there. */
export function rowsOf(group: SpendGroup, key: string, { from, to }: SpendRange): string | undefined {
  if (key === '' || key === '(other)') return undefined;
  if (group === 'team') return key.startsWith('00000000') ? undefined : `/devices?team=${key}`;
  const query = new URLSearchParams({ type: 'network.request' });
  if (group === 'agent') query.set('agent', key);
  else if (group === 'device') query.set('device', key);
  else if (group === 'provider') query.set('provider', key);
  else if (group === 'model') query.set('model', key);
  else return undefined;
  query.set('from', `${from}T00:00:00.000Z`);
  query.set('to', `${to}T23:59:59.999Z`);
  return `/events?${query.toString()}`;
}
