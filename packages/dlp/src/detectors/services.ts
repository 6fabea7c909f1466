import { assigned, credential } from './credential.ts';

/** Chat, e-mail, payment, monitoring, commerce and the rest of the software that companies rent. */
export const SERVICES = [
  credential(
    'slack-bot-token',
    'Slack bot token',
    ['xoxb-{digit:8-13}-{digit:8-13}-{alnum:20-40}', 'xoxb-{digit:8-14}-{alnum:18-26}'],
    { pattern: 'xoxb-\\d{8,14}-(?:\\d{8,14}-)?[A-Za-z0-9]{18,40}', entropy: 2.5 },
  ),
  credential(
    'slack-user-token',
    'Slack user token',
    [
      'xoxp-{digit:8-13}-{digit:8-13}-{digit:8-13}-{alnum:28-64}',
      'xoxe-{digit:8-13}-{digit:8-13}-{digit:8-13}-{alnum:28-64}',
    ],
    { pattern: 'xox[pe]-(?:\\d{7,14}-){2,3}[A-Za-z0-9]{28,64}' },
  ),
  credential(
    'slack-legacy-token',
    'Slack token',
    [
      'xoxs-{digit:8-12}-{digit:8-12}-{digit:8-12}-{hex:10-64}',
      'xoxo-{digit:8-12}-{digit:8-12}-{digit:8-12}-{hex:10-64}',
      'xoxa-2-{digit:9-13}',
      'xoxr-{alnum:12-48}',
      'xoxa-{alnum:12-48}',
    ],
    {
      pattern: 'xox[os]-\\d{7,14}-\\d{7,14}-\\d{7,14}-[0-9a-fA-F]{8,64}|xox[ar]-(?:\\d-)?[0-9a-zA-Z-]{8,100}',
      entropy: 1.5,
      validate: (secret) => (secret.match(/\d/g)?.length ?? 0) >= 2,
    },
  ),
  credential('slack-config-token', 'Slack configuration token', [
    'xoxe.xoxb-{digit:1}-{upnum:163-170}',
    'xoxe.xoxp-{digit:1}-{alnum:140-170}',
    'xoxe-{digit:1}-{alnum:140-170}',
  ]),
  credential(
    'slack-browser-token',
    'Slack browser token',
    ['xoxc-{digit:9-13}-{digit:9-13}-{digit:9-13}-{hex:64}', 'xoxd-{base64:60-300}'],
    { pattern: 'xoxc-(?:\\d{9,14}-){3}[0-9a-f]{64}|xoxd-[A-Za-z0-9%+/]{60,300}' },
  ),
  credential('slack-app-token', 'Slack app token', ['xapp-{digit:1}-{upnum:9-13}-{digit:10-14}-{hex:64}'], {
    ignoreCase: true,
  }),
  credential(
    'slack-webhook-url',
    'Slack webhook',
    ['hooks.slack.com/services/T{upnum:8}/B{upnum:8}/{alnum:24}', 'hooks.slack.com/workflows/{alnum:43}'],
    {
      keywords: ['hooks.slack.com/'],
      pattern: 'hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{40,80}',
      good: ['hooks.slack.com/services/T000/B000/XXX'],
    },
  ),
  credential(
    'microsoft-teams-webhook',
    'Teams webhook',
    ['webhook.office.com/webhookb2/{uuid}@{uuid}/IncomingWebhook/{alnum:32}/{uuid}'],
    {
      pattern:
        'webhook\\.office\\.com/webhookb2/[A-Za-z0-9-]{30,40}@[A-Za-z0-9-]{30,40}/IncomingWebhook/[A-Za-z0-9]{32}/[A-Za-z0-9-]{30,40}(?:/[A-Za-z0-9_-]{20,60})?',
      good: ['webhook.office.com/webhookb2/docs'],
    },
  ),
  credential(
    'discord-webhook',
    'Discord webhook',
    ['discord.com/api/webhooks/{digit:18}/{word:68}', 'discordapp.com/api/webhooks/{digit:18}/{word:68}'],
    {
      pattern: 'discord(?:app)?\\.com/api/webhooks/\\d{17,20}/[A-Za-z0-9_-]{60,72}',
      good: ['discord.com/api/webhooks/{digit:18}'],
    },
  ),
  credential(
    'discord-bot-token',
    'Discord bot token',
    [
      'MT{alnum:22}.{alnum:6}.{word:38}',
      'OD{alnum:22}.{alnum:6}.{word:38}',
      'Nz{alnum:22}.{alnum:6}.{word:27}',
    ],
    {
      pattern: '[MNO][A-Za-z0-9]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,40}',
      keywords: ['mt', 'mj', 'mz', 'nd', 'nt', 'nj', 'nz', 'od', 'ot'],
      entropy: 4,
    },
  ),
  assigned('discord-client', 'Discord credential', ['discord'], ['{wide:32}', '{digit:18}', '{hex:64}']),
  credential('telegram-bot-api-token', 'Telegram bot token', ['{digit:8}:AA{word:33}'], {
    keywords: [':aa'],
    lead: { characters: /\d/, most: 16 },
    pattern: '\\d{5,16}:AA[A-Za-z0-9_-]{32,34}',
  }),
  assigned(
    'telegram-named-bot-token',
    'Telegram bot token',
    ['telegram', 'telegr'],
    ['{digit:5-16}:A{word:34}'],
  ),
  credential('mailersend-api-token', 'MailerSend token', ['mlsn.{hex:64}']),
  credential('axiom-token', 'Axiom token', ['xaat-{uuid}', 'xapt-{uuid}']),
  credential('datadog-application-key', 'Datadog application key', ['ddapp_{alnum:34}']),
  assigned('mattermost-access-token', 'Mattermost token', ['mattermost'], ['{lownum:26}']),
  assigned('gitter-access-token', 'Gitter token', ['gitter'], ['{word:40}']),
  credential('twilio-api-key', 'Twilio key', ['SK{hex:32}', 'AC{hex:32}'], { severity: 'high', entropy: 3 }),
  credential('sendgrid-api-token', 'SendGrid key', ['SG.{word:22}.{word:43}', 'SG.{dotted:66}'], {
    pattern: 'SG\\.[A-Za-z0-9_=-]{16,32}\\.[A-Za-z0-9_=-]{30,64}|SG\\.[A-Za-z0-9_.=-]{66}',
    entropy: 3.5,
  }),
  credential('sendinblue-api-token', 'Brevo key', [
    'xkeysib-{hex:64}-{alnum:16}',
    'xsmtpsib-{hex:64}-{alnum:16}',
  ]),
  credential('mailgun-token', 'Mailgun key', ['key-{hex:32}', 'pubkey-{hex:32}'], { entropy: 3 }),
  credential('stripe-webhook-secret', 'Stripe webhook secret', ['whsec_{base64:32-64}']),
  credential(
    'square-access-token',
    'Square token',
    ['EAAA{word:22-60}', 'sq0atp-{word:22-60}', 'sq0csp-{word:40-60}'],
    { entropy: 3.3 },
  ),
  credential('paypal-braintree-token', 'Braintree token', [
    'access_token$production${lownum:16}${hex:32}',
    'access_token$sandbox${lownum:16}${hex:32}',
  ]),
  credential('shopify-token', 'Shopify token', [
    'shpat_{xhex:32}',
    'shpca_{xhex:32}',
    'shppa_{xhex:32}',
    'shpss_{xhex:32}',
    'shptka_{xhex:32}',
  ]),
  credential('shippo-api-token', 'Shippo token', ['shippo_live_{hex:40}', 'shippo_test_{hex:40}']),
  credential('easypost-api-token', 'EasyPost key', ['EZAK{alnum:54}', 'EZTK{alnum:54}']),
  credential(
    'flutterwave-key',
    'Flutterwave key',
    [
      'FLWSECK_TEST-{lownum:32}-X',
      'FLWPUBK_TEST-{lownum:32}-X',
      'FLWSECK-{lownum:32}-X',
      'FLWSECK_TEST-{lownum:12}',
    ],
    { ignoreCase: true },
  ),
  credential('razorpay-key', 'Razorpay key', ['rzp_live_{alnum:14}', 'rzp_test_{alnum:14}']),
  credential('paystack-secret-key', 'Paystack key', ['sk_live_{hex:40}']),
  credential('adyen-api-key', 'Adyen API key', ['AQE{alnum:80-200}-{alnum:30-60}-{alnum:16}'], {
    pattern:
      'AQE[A-Za-z0-9]{5,9}[A-Za-z0-9+/]{60,220}={0,2}-[A-Za-z0-9+/]{30,60}={0,2}-[A-Za-z0-9<>{}()\\[\\]]{8,30}',
    good: ['AQE{alnum:20}'],
  }),
  credential('gocardless-api-token', 'GoCardless token', ['live_{wide:40}'], {
    entropy: 3.6,
    confidence: 0.8,
  }),
  assigned(
    'lob-api-key',
    'Lob key',
    ['lob'],
    ['test_{hex:35}', 'live_{hex:35}', 'test_pub_{hex:31}', 'live_pub_{hex:31}'],
  ),
  credential('plaid-api-token', 'Plaid token', [
    'access-sandbox-{uuid}',
    'access-development-{uuid}',
    'access-production-{uuid}',
  ]),
  assigned('plaid-secret', 'Plaid secret', ['plaid'], ['{alnum:24}', '{alnum:30}']),
  credential('duffel-api-token', 'Duffel token', ['duffel_live_{wide:43}', 'duffel_test_{wide:43}']),
  credential(
    'dynatrace-api-token',
    'Dynatrace token',
    ['dt0c01.{upnum:24}.{upnum:64}', 'dt0s01.{upnum:8}.{upnum:64}', 'dt0s16.{upnum:8}.{upnum:64}'],
    { pattern: 'dt0[a-z]\\d{2}\\.[A-Za-z0-9]{8,24}\\.[A-Za-z0-9]{64}' },
  ),
  credential('grafana-cloud-api-token', 'Grafana Cloud token', ['glc_{base64:32-400}'], {
    pattern: 'glc_[A-Za-z0-9+/]{32,400}={0,3}',
    entropy: 3,
  }),
  credential('grafana-service-account-token', 'Grafana service account token', ['glsa_{alnum:32}_{xhex:8}'], {
    entropy: 3,
  }),
  credential('grafana-api-key', 'Grafana API key', ['eyJrIjoi{alnum:70-400}', 'eyJrIjoi{alnum:70-400}=='], {
    pattern: 'eyJrIjoi[A-Za-z0-9]{70,400}={0,3}',
    entropy: 3,
  }),
  credential('sentry-token', 'Sentry token', ['sntryu_{hex:64}', 'sntrys_eyJ{base64:60-400}_{base64:43}'], {
    pattern: 'sntryu_[0-9a-f]{64}|sntrys_eyJ[A-Za-z0-9+/]{60,600}={0,2}_[A-Za-z0-9+/]{43}',
    entropy: 3,
    severity: 'high',
  }),
  assigned('sentry-access-token', 'Sentry token', ['sentry'], ['{hex:64}']),
  credential(
    'new-relic-key',
    'New Relic key',
    ['NRAK-{upnum:27}', 'NRJS-{hex:19}', 'NRII-{word:32}', 'NRAA-{hex:27}', 'NRBR-{hex:19}'],
    { pattern: 'NR(?:AK|AA|II|JS|BR)-[A-Za-z0-9_-]{19,32}', severity: 'high' },
  ),
  assigned(
    'new-relic-user-api-id',
    'New Relic key',
    ['new-relic', 'newrelic', 'new_relic'],
    ['{lownum:64}', '{hex:40}NRAL', '{hex:36}NRAL'],
  ),
  assigned(
    'datadog-access-token',
    'Datadog key',
    ['datadog', 'dd_api_key', 'dd_app_key', 'dd-api-key'],
    ['{lownum:40}', '{hex:32}'],
  ),
  assigned('sumologic-key', 'Sumo Logic key', ['sumo', 'sumologic'], ['su{alnum:12}', '{alnum:64}'], {
    entropy: 3,
  }),
  assigned(
    'honeycomb-or-logdna-key',
    'Honeycomb key',
    ['honeycomb'],
    ['{alnum:22}', '{hex:32}', 'hcaik_{lownum:58}'],
  ),
  credential('honeycomb-ingest-key', 'Honeycomb ingest key', ['hcaik_{lownum:58}', 'hcaic_{lownum:58}']),
  credential('pagerduty-token', 'PagerDuty token', ['pdus+_{word:20-40}'], {
    keywords: ['pdus+_'],
    pattern: 'pdus\\+_[A-Za-z0-9_-]{20,40}(?:_[A-Za-z0-9_-]{8,60}){0,2}',
    good: ['pdus+_{word:5}'],
  }),
  credential('posthog-key', 'PostHog personal key', ['phx_{alnum:40-50}']),
  credential('segment-public-token', 'Segment token', ['sgp_{alnum:64}']),
] as const;
