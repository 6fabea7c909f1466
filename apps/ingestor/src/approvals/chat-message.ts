import { createHmac } from 'node:crypto';
import type { Approval, WebhookFormat } from '@raypher/shared/rest';

/**
 * What a chat service is told: who wants what, and where to answer. Details of the question are left out, as they may be
 * what somebody wrote. The link opens a page for signed-in people; opening it decides nothing.
 */
export function chatMessage(format: WebhookFormat, approval: Approval, link: string): string {
  switch (format) {
    case 'generic':
      return JSON.stringify(genericMessage(approval, link));
    case 'slack':
      return JSON.stringify(slackMessage(approval, link));
    case 'teams':
      return JSON.stringify(teamsMessage(approval, link));
  }
}

/**
 * Proves to whoever receives it that the message is ours and new: HMAC-SHA-256 over `TIME.BODY`.
 *
 * @param at seconds since the epoch
 * @returns the value of the header `raypher-signature`
 */
export function signMessage(key: string, body: string, at: number): string {
  const mac = createHmac('sha256', key).update(`${at}.${body}`).digest('hex');
  return `t=${at},v1=${mac}`;
}

function genericMessage(approval: Approval, link: string): unknown {
  const { id, device, actor, action, target, rule, layer, reason, expiresAt, approversNeeded } = approval;
  return {
    kind: 'approval.requested',
    approval: id,
    link,
    device: device.hostname,
    team: device.team,
    agent: actor.name,
    action,
    target,
    rule,
    layer,
    reason,
    expiresAt,
    approversNeeded,
  };
}

function slackMessage(approval: Approval, link: string): unknown {
  const { actor, action, target, device, reason } = approval;
  const text = `${actor.name} on ${device.hostname} waits for a person: ${action} ${target}`;
  return {
    text: slackText(text),
    blocks: [
      {
        type: 'section',
        // Plain: nothing that an AI agent is called becomes a link or a mention.
        text: { type: 'plain_text', text: `${text}\n${reason}`.slice(0, 2_900), emoji: false },
      },
      {
        type: 'actions',
        elements: [{ type: 'button', text: { type: 'plain_text', text: 'Look and answer' }, url: link }],
      },
    ],
  };
}

/** https://docs.slack.dev/messaging/formatting-message-text: these three begin links, mentions and entities. */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function teamsMessage(approval: Approval, link: string): unknown {
  const { actor, action, target, device, reason, rule, layer } = approval;
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            textRun(`${actor.name} on ${device.hostname} waits for a person`),
            textRun(`${action} ${target}`),
            textRun(`${reason} (rule ${rule}, ${layer} policy)`),
          ],
          actions: [{ type: 'Action.OpenUrl', title: 'Look and answer', url: link }],
        },
      },
    ],
  };
}

/** A text run knows no Markdown, so that nothing that an AI agent is called becomes a link. */
function textRun(text: string): unknown {
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text }] };
}
