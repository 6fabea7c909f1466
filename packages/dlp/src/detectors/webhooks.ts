import { credential } from './credential.ts';

/** Addresses that let in whoever knows them. */
export const WEBHOOKS = [
  credential('zapier-webhook', 'Zapier webhook', ['hooks.zapier.com/hooks/catch/{digit:7}/{lownum:7}'], {
    pattern: 'hooks\\.zapier\\.com/hooks/catch/\\d{5,10}/(?:v2/)?[A-Za-z0-9]{5,20}',
    entropy: 1.5,
    severity: 'high',
    good: ['hooks.zapier.com/hooks/catch/'],
  }),
  credential(
    'make-webhook',
    'Make webhook',
    ['hook.eu1.make.com/{lownum:32}', 'hook.us2.make.com/{lownum:32}'],
    {
      keywords: ['hook.eu', 'hook.us'],
      pattern: 'hook\\.(?:eu|us)\\d\\.make\\.com/[a-z0-9]{28,36}',
      severity: 'high',
      good: ['hook.eu1.make.com/docs'],
    },
  ),
  credential(
    'feishu-webhook',
    'Feishu or Lark webhook',
    ['open.feishu.cn/open-apis/bot/v2/hook/{uuid}', 'open.larksuite.com/open-apis/bot/v2/hook/{uuid}'],
    { severity: 'high', good: ['open.feishu.cn/open-apis/bot/v2/hook/TOKEN'] },
  ),
  credential('wecom-webhook', 'WeCom webhook', ['qyapi.weixin.qq.com/cgi-bin/webhook/send?key={uuid}'], {
    severity: 'high',
    good: ['qyapi.weixin.qq.com/cgi-bin/webhook/send'],
  }),
  credential(
    'incoming-webhook',
    'Mattermost or Rocket.Chat webhook',
    ['chat.northwind.dev/hooks/{lownum:26}', 'chat.northwind.dev/hooks/{alnum:17}/{alnum:43}'],
    {
      keywords: ['/hooks/'],
      pattern:
        '(?<=[a-z0-9])/hooks/(?:[a-z0-9]{26}|[A-Za-z0-9]{17,24}/[A-Za-z0-9]{43,64})(?![A-Za-z0-9/._-])',
      severity: 'high',
      entropy: 3.2,
      validate: (secret) => (secret.match(/\d/g)?.length ?? 0) >= 2,
      good: ['src/hooks/useAuthenticationProvider', 'src/hooks/usecontainerqueriesobserve'],
    },
  ),
  credential('ifttt-webhook', 'IFTTT webhook', ['maker.ifttt.com/trigger/{lower:6}/with/key/{word:22}'], {
    pattern: 'maker\\.ifttt\\.com/trigger/[\\w-]{1,64}(?:/json)?/with/key/[A-Za-z0-9_-]{20,64}',
    severity: 'high',
    good: ['maker.ifttt.com/trigger/event'],
  }),
  credential(
    'sumologic-collector-url',
    'Sumo Logic collector URL',
    ['sumologic.com/receiver/v1/http/{base64:80}=='],
    {
      pattern: 'sumologic\\.com/receiver/v1/http/[A-Za-z0-9+/_-]{60,200}={0,2}',
      severity: 'high',
      good: ['sumologic.com/receiver/v1/http/'],
    },
  ),
  credential(
    'azure-function-url',
    'Azure function URL with its key',
    ['northwind.azurewebsites.net/api/run?code={word:54}=='],
    {
      keywords: ['.azurewebsites.net/'],
      lead: { characters: /[A-Za-z0-9-]/, most: 60 },
      pattern:
        '[A-Za-z0-9-]{1,60}\\.azurewebsites\\.net/api/[^\\s"\'?<>]{1,80}\\?(?:[\\w=&-]{0,60}&)?code=([A-Za-z0-9_%+/-]{40,90}={0,2})',
      severity: 'high',
      good: ['northwind.azurewebsites.net/api/run?code=200'],
    },
  ),
  credential(
    'blockchain-node-url',
    'URL of a blockchain node with its key',
    ['mainnet.infura.io/v3/{hex:32}', 'eth-mainnet.g.alchemy.com/v2/{word:32}'],
    {
      keywords: ['.infura.io/v3/', '.g.alchemy.com/v2/'],
      lead: { characters: /[a-z0-9-]/, most: 40 },
      pattern: '[a-z0-9-]{1,40}\\.(?:infura\\.io/v3/[0-9a-f]{32}|g\\.alchemy\\.com/v2/[A-Za-z0-9_-]{32})',
      severity: 'high',
      good: ['mainnet.infura.io/v3/YOUR-PROJECT-ID'],
    },
  ),
] as const;
