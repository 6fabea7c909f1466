import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PUBLIC_NETWORK } from '../http/outbound.ts';
import { ChatService } from '../testing/chat-service.ts';
import { WebhookSender } from './webhook-sender.ts';

let chat: ChatService;
beforeAll(async () => {
  chat = await ChatService.start();
});
afterAll(() => chat.stop());
beforeEach(() => {
  chat.received.splice(0);
});

const HERE = [{ address: '127.0.0.1', family: 4 }];

/** Sends where names lead to these addresses, under the usual rules about addresses. */
function senderTo(addresses: { address: string; family: number }[]): WebhookSender {
  const sender = new WebhookSender();
  sender.network = { ...PUBLIC_NETWORK, resolve: async () => addresses, ca: chat.ca };
  return sender;
}

/** The same, with this machine counting as a public one. */
function openSender(): WebhookSender {
  const sender = senderTo(HERE);
  sender.network = { ...sender.network, refusal: () => undefined };
  return sender;
}

const refusal = { code: 'request/invalid' };

describe('a webhook', () => {
  it.each([
    'https://127.0.0.1:PORT/',
    'https://localhost:PORT/',
    'https://LOCALHOST.:PORT/',
    'https://2130706433:PORT/',
    'https://0x7f.1:PORT/',
    'https://0177.0.0.1:PORT/',
    'https://[::1]:PORT/',
    'https://[::ffff:127.0.0.1]:PORT/',
    'https://[::ffff:7f00:1]:PORT/',
    'https://[64:ff9b::7f00:1]:PORT/',
    'https://[2002:7f00:1::]:PORT/',
    'https://0.0.0.0:PORT/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://metadata.google.internal/',
    'https://100.64.0.1/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'http://chat.example:PORT/',
    'https://user:word@chat.example:PORT/',
  ])('is never posted into this network: %s', async (url) => {
    const sender = senderTo(HERE);
    await expect(sender.post(url.replace('PORT', String(chat.port)), '{}', {})).rejects.toMatchObject(
      refusal,
    );
    expect(chat.received).toEqual([]);
  });

  it.each([
    [[{ address: '10.1.2.3', family: 4 }]],
    [[{ address: '93.184.215.14', family: 4 }, ...HERE]],
    [[{ address: '::1', family: 6 }]],
  ])('is not posted to a name that leads there, or may: %j', async (addresses) => {
    const url = `https://chat.example:${chat.port}/`;
    await expect(senderTo(addresses).post(url, '{}', {})).rejects.toMatchObject(refusal);
    expect(chat.received).toEqual([]);
  });

  it('is resolved once, and connected to what was looked at: another answer later leads nowhere', async () => {
    const answers = [[{ address: '192.0.2.1', family: 4 }], HERE];
    const sender = new WebhookSender();
    let asked = 0;
    sender.network = {
      resolve: async () => answers[asked++] ?? HERE,
      refusal: (address) => (address === '127.0.0.1' ? 'this machine' : 'a documentation address'),
      ca: chat.ca,
    };
    await expect(sender.post(`https://chat.example:${chat.port}/`, '{}', {})).rejects.toMatchObject(refusal);
    expect([asked, chat.received]).toEqual([1, []]);
  });

  it('gets the message over verified TLS, and no redirect is followed', async () => {
    const url = `https://chat.example:${chat.port}/hook`;
    await openSender().post(url, '{"a":1}', { 'raypher-signature': 's' });
    expect(chat.received).toEqual([{ path: '/hook', signature: 's', body: '{"a":1}' }]);
    chat.statuses.push(302);
    await expect(openSender().post(url, '{}', {})).rejects.toThrow('302');
    expect(chat.received.map(({ path }) => path)).toEqual(['/hook', '/hook']);
    const stranger = openSender();
    const { ca: _, ...usual } = stranger.network;
    stranger.network = usual;
    await expect(stranger.post(url, '{}', {})).rejects.toThrow(/certificate/);
  });

  it('that answers with another protocol is one that does not take it, and nobody waits for more', async () => {
    chat.statuses.push(101);
    await expect(openSender().post(`https://chat.example:${chat.port}/`, '{}', {})).rejects.toThrow(
      /no answer/,
    );
  });
});
