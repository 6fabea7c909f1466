import type { WebhookFormat } from '@raypher/shared/rest';

export const WEBHOOK_FORMATS: Record<WebhookFormat, string> = {
  slack: 'Slack',
  teams: 'Microsoft Teams',
  generic: 'JSON, signed',
};
