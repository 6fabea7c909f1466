import type { QueryClient } from '@tanstack/react-query';
import { keys } from '@/lib/api/keys.ts';

/** Fetches everything that shows incidents anew: the one who just did something wants to see it at once. */
export function refreshIncidents(client: QueryClient): void {
  void client.invalidateQueries({ queryKey: keys.incidents });
  void client.invalidateQueries({ queryKey: keys.incidentList() });
}
