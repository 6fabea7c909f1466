import { createHmac } from 'node:crypto';
import type { Approval } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { chatMessage, signMessage } from './chat-message.ts';

const LINK = 'https://console.example/approvals/6a3f4b1e-3d5e-4a53-9a0e-1b6f0f0c4d11';
const hostile = '<!channel> [click](https://evil.example) & <https://evil.example|here>';
const approval: Approval = {
  id: '6a3f4b1e-3d5e-4a53-9a0e-1b6f0f0c4d11',
  device: { id: '6a3f4b1e-3d5e-4a53-9a0e-1b6f0f0c4d12', hostname: 'laptop', simulated: false, team: null },
  askedAt: '2026-11-20T10:00:00.000Z',
  expiresAt: '2026-11-20T10:02:00.000Z',
  actor: { kind: 'ai-agent', id: 'a', name: hostile, pid: 1, user: 'dev' },
  action: 'call',
  target: 'api.openai.com/v1',
  details: { preview: 'what somebody wrote' },
  layer: 'global',
  rule: 'ask',
  reason: 'Ask first.',
  revision: 1,
  onTimeout: 'DENY',
  approversNeeded: 1,
  seq: 1,
  state: 'pending',
  votes: [],
  end: null,
};

describe('a message to a chat service', () => {
  it.each(['generic', 'slack', 'teams'] as const)(
    '%s names the question and where to answer, not its details',
    (format) => {
      const text = chatMessage(format, approval, LINK);
      expect(text).toContain(LINK);
      expect(text).toContain('api.openai.com/v1');
      expect(text).not.toContain('what somebody wrote');
      expect(() => JSON.parse(text)).not.toThrow();
    },
  );

  it('lets no name of an AI agent become a mention or a link', () => {
    const slack = JSON.parse(chatMessage('slack', approval, LINK));
    expect(slack.text).not.toMatch(/<!|<http/);
    expect(slack.blocks[0].text.type).toBe('plain_text');
    const teams = JSON.parse(chatMessage('teams', approval, LINK));
    expect(teams.attachments[0].content.body.map(({ type }: { type: string }) => type)).toEqual(
      Array(3).fill('RichTextBlock'),
    );
    const urls = teams.attachments[0].content.actions.map(({ url }: { url: string }) => url);
    expect(urls).toEqual([LINK]);
  });

  it('is signed over its time and its bytes', () => {
    const mac = createHmac('sha256', 'key').update('1700000000.{}').digest('hex');
    expect(signMessage('key', '{}', 1_700_000_000)).toBe(`t=1700000000,v1=${mac}`);
  });
});
