import type { PolicyStage } from '@raypher/shared/rest';
import { plural } from '@/lib/format/format.ts';

/** Whom a stage is for. */
export function stageText({ selector }: PolicyStage): string {
  switch (selector.kind) {
    case 'percentage':
      return `${selector.percentage} % of devices`;
    case 'teams':
      return plural(selector.teams.length, 'team');
    case 'devices':
      return plural(selector.devices.length, 'named device');
  }
}
