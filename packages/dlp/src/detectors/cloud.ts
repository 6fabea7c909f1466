import { assigned, credential } from './credential.ts';

const AWS_SAMPLE = /EXAMPLE$/;

/** Cloud platforms, hosting, content delivery and infrastructure as code. */
export const CLOUD = [
  credential(
    'aws-access-key-id',
    'AWS access key id',
    ['AKIA{upper:16}', 'ASIA{upper:16}', 'ABIA{upper:16}', 'ACCA{upper:16}', 'A3TX{upper:16}'],
    {
      pattern: '(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}',
      severity: 'high',
      entropy: 3,
      validate: (secret) => !AWS_SAMPLE.test(secret),
    },
  ),
  assigned(
    'aws-secret-access-key',
    'AWS secret access key',
    ['aws_secret', 'secret_access_key', 'secretaccesskey', 'aws_sec', 'awssecret', 'aws-secret'],
    ['{base64:40}'],
    { severity: 'critical', entropy: 3.5, validate: (value) => !value.endsWith('EXAMPLEKEY') },
  ),
  assigned(
    'aws-session-token',
    'AWS session token',
    ['session_token', 'sessiontoken'],
    ['{base64:100-1000}', '{base64:100-1000}=', '{base64:100-1000}=='],
    { entropy: 4.5 },
  ),
  credential(
    'aws-bedrock-api-key',
    'Amazon Bedrock API key',
    [
      'ABSKQmVkcm9ja0FQSUtleS{base64:90-250}',
      'ABSKQmVkcm9ja0FQSUtleS{base64:90-250}=',
      'ABSKQmVkcm9ja0FQSUtleS{base64:90-250}==',
    ],
    { validate: (secret) => secret.startsWith('ABSKQmVkcm9ja0FQSUtleS'), entropy: 0 },
  ),
  credential(
    'aws-bedrock-short-lived-key',
    'Amazon Bedrock short-lived key',
    ['bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t{base64:0-2000}'],
    { entropy: 0, keywords: ['bedrock-api-key-'] },
  ),
  credential('aws-mws-token', 'Amazon MWS token', ['amzn.mws.{uuid}']),
  credential('aws-appsync-key', 'AWS AppSync key', ['da2-{lownum:26}']),
  credential('google-storage-hmac-key', 'Google Cloud Storage HMAC key', ['GOOG1E{upnum:55-60}'], {
    severity: 'high',
    entropy: 3.5,
    validate: (secret) => (secret.match(/\d/g)?.length ?? 0) >= 3,
  }),
  credential('google-oauth-client-secret', 'Google OAuth client secret', ['GOCSPX-{word:28}']),
  credential('google-oauth-access-token', 'Google OAuth access token', ['ya29.{word:40-400}']),
  credential('google-oauth-refresh-token', 'Google OAuth refresh token', ['1//0{word:40-120}']),
  credential('azure-storage-connection', 'Azure storage account key', ['AccountKey={base64:86}=='], {
    keywords: ['accountkey='],
  }),
  credential(
    'azure-shared-access-key',
    'Azure shared access key',
    ['SharedAccessKey={base64:43}=', 'SharedAccessKey={base64:86}=='],
    { keywords: ['sharedaccesskey='] },
  ),
  credential('azure-sas-signature', 'Azure SAS signature', ['&sig={base64:43}=', '?sig={base64:43}='], {
    pattern: '[&?]sig=([A-Za-z0-9%+/_-]{43,80}={0,1})',
    keywords: ['&sig=', '?sig='],
    severity: 'high',
    good: ['https://host.dev/?sig=short', '&sig={hex:20}'],
  }),
  credential('azure-ad-client-secret', 'Azure AD client secret', ['{word:3}{digit:1}Q~{dotted:31-34}'], {
    keywords: ['q~'],
    lead: 4,
    pattern: '[A-Za-z0-9_~.]{3}\\dQ~[A-Za-z0-9_~.-]{31,34}',
    entropy: 3,
  }),
  credential('azure-devops-token', 'Azure DevOps token', ['{alnum:76}AZDO{alnum:4}'], {
    keywords: ['azdo'],
    lead: 76,
    pattern: '[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}',
  }),
  credential(
    'azure-service-key',
    'Azure service key (Cognitive, Search, Functions)',
    ['{alnum:33}AzFu{word:15}==', '{alnum:42}AzSe{alnum:6}', '{alnum:52}JQQJ99{alnum:26}'],
    {
      keywords: ['azfu', 'azse', 'jqqj99'],
      lead: { characters: /[A-Za-z0-9_-]/, most: 60 },
      pattern:
        '[A-Za-z0-9_-]{33}AzFu[A-Za-z0-9_-]{15}==|[A-Za-z0-9]{42}AzSe[A-Za-z0-9]{6}|[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}',
    },
  ),
  credential('alibaba-access-key-id', 'Alibaba access key id', ['LTAI{alnum:16-26}'], { severity: 'high' }),
  assigned('alibaba-secret-key', 'Alibaba secret key', ['alibaba', 'aliyun', 'alicloud'], ['{alnum:30}']),
  credential('tencent-secret-id', 'Tencent Cloud secret id', ['AKID{alnum:32}'], { severity: 'high' }),
  credential(
    'yandex-api-key',
    'Yandex Cloud key',
    ['AQVN{word:35-38}', 'YC{word:38}', 't1.{word:1-80}.{word:84-88}'],
    {
      pattern:
        'AQVN[A-Za-z0-9_-]{35,38}|YC[A-Za-z0-9_-]{38}|t1\\.[A-Za-z0-9_-]{1,80}[=]{0,2}\\.[A-Za-z0-9_-]{80,90}={0,2}',
      keywords: ['aqvn', 'yc', 't1.'],
      entropy: 3.5,
    },
  ),
  credential('digitalocean-token', 'DigitalOcean token', [
    'dop_v1_{hex:64}',
    'doo_v1_{hex:64}',
    'dor_v1_{hex:64}',
  ]),
  credential('digitalocean-spaces-key', 'DigitalOcean Spaces key', ['DO00{upnum:16}'], {
    severity: 'high',
    entropy: 3,
    confidence: 0.8,
  }),
  credential('linode-or-akamai-token', 'Akamai token', ['akab-{lownum:16}-{lownum:16}']),
  credential('flyio-access-token', 'Fly.io token', [
    'fo1_{word:43}',
    'fm1a_{base64:80-1000}',
    'fm1r_{base64:80-1000}',
    'fm2_{base64:80-1000}',
    'fm2_{base64:80-1000}==',
  ]),
  credential('vercel-token', 'Vercel token', ['vcp_{alnum:40-70}', 'vck_{alnum:40-70}', 'vca_{alnum:40-70}']),
  credential('vercel-blob-token', 'Vercel Blob token', ['vercel_blob_rw_{alnum:16}_{alnum:30}']),
  credential('netlify-pat', 'Netlify token', ['nfp_{alnum:36-40}']),
  assigned('netlify-access-token', 'Netlify token', ['netlify'], ['{wide:40-46}']),
  credential('heroku-api-key', 'Heroku API key', ['HRKU-AA{word:58}']),
  assigned('heroku-legacy-api-key', 'Heroku API key', ['heroku'], ['{uuid}']),
  credential('render-api-key', 'Render API key', ['rnd_{alnum:28-36}']),
  credential('scalingo-api-token', 'Scalingo token', ['tk-us-{word:48}']),
  credential('cloudflare-origin-ca-key', 'Cloudflare origin CA key', ['v1.0-{hex:24}-{hex:146}']),
  credential('cloudflare-scoped-token', 'Cloudflare token', [
    'cfut_{word:40-60}',
    'cfat_{word:40-60}',
    'cfk_{word:40-60}',
  ]),
  assigned('cloudflare-api-key', 'Cloudflare API key', ['cloudflare'], ['{word:40}', '{hex:37}'], {
    entropy: 3,
  }),
  credential('doppler-api-token', 'Doppler token', [
    'dp.pt.{alnum:40-44}',
    'dp.st.{alnum:40-44}',
    'dp.ct.{alnum:40-44}',
    'dp.sa.{alnum:40-44}',
    'dp.scim.{alnum:40-44}',
    'dp.st.{lownum:2-35}.{alnum:40-44}',
  ]),
  credential('hashicorp-tf-api-token', 'Terraform Cloud token', ['{alnum:14}.atlasv1.{wide:60-70}'], {
    keywords: ['.atlasv1.'],
    lead: 14,
    pattern: '[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_=-]{60,70}',
  }),
  credential('vault-token', 'HashiCorp Vault token', [
    'hvs.{word:24-200}',
    'hvb.{word:60-300}',
    'hvr.{word:24-200}',
  ]),
  credential('vault-legacy-token', 'HashiCorp Vault token', ['s.{alnum:24}'], {
    pattern: '(?<![.A-Za-z0-9_])[sb]\\.[A-Za-z0-9]{24}',
    entropy: 3,
    confidence: 0.7,
    validate: (secret) => /\d/.test(secret) && /[A-Z]/.test(secret) && /[a-z]/.test(secret.slice(2)),
  }),
  credential('pulumi-api-token', 'Pulumi token', ['pul-{hex:40}']),
  credential('infracost-api-token', 'Infracost key', ['ico-{alnum:32}']),
  credential('databricks-api-token', 'Databricks token', ['dapi{hex:32}', 'dapi{hex:32}-{digit:1}'], {
    entropy: 3,
  }),
  credential('openshift-user-token', 'OpenShift token', ['sha256~{word:43}']),
  credential('planetscale-token', 'PlanetScale token', [
    'pscale_tkn_{dotted:32-64}',
    'pscale_oauth_{dotted:32-64}',
    'pscale_pw_{dotted:32-64}',
  ]),
  credential('supabase-token', 'Supabase token', [
    'sbp_{hex:40}',
    'sbp_oauth_{hex:40}',
    'sb_secret_{word:22-40}',
  ]),
  credential('neon-api-key', 'Neon key', ['napi_{lownum:60-70}']),
  credential(
    '1password-secret-key',
    '1Password secret key',
    [
      'A3-{upnum:6}-{upnum:11}-{upnum:5}-{upnum:5}-{upnum:5}',
      'A3-{upnum:6}-{upnum:6}-{upnum:5}-{upnum:5}-{upnum:5}-{upnum:5}',
    ],
    { entropy: 3.5 },
  ),
  credential('age-secret-key', 'age secret key', ['AGE-SECRET-KEY-1{upnum:58}'], { entropy: 0 }),
  credential('infisical-token', 'Infisical service token', [
    'st.{hex:24}.{hex:32}.{hex:32}',
    'st.{uuid}.{hex:32}.{hex:32}',
  ]),
  credential('harness-api-key', 'Harness key', [
    'pat.{word:22}.{alnum:24}.{alnum:20}',
    'sat.{word:22}.{alnum:24}.{alnum:20}',
  ]),
  credential('octopus-deploy-api-key', 'Octopus Deploy key', ['API-{upnum:26}', 'API-{upnum:30}'], {
    entropy: 3,
  }),
  assigned('okta-access-token', 'Okta token', ['okta'], ['00{wide:40}'], { entropy: 3.5 }),
  credential(
    'authress-service-client-access-key',
    'Authress key',
    [
      'sc_{lownum:5-30}.{lownum:4-6}.acc_{lownum:10-32}.{wide:30-120}',
      'sc_{lownum:5-30}.{lownum:4-6}.acc-{lownum:10-32}.{wide:30-120}',
    ],
    {
      pattern:
        '(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\\.[A-Za-z0-9]{4,6}\\.acc[_-][A-Za-z0-9-]{10,32}\\.[A-Za-z0-9+/_=-]{30,120}',
      keywords: ['sc_', 'ext_', 'scauth_', 'authress_'],
    },
  ),
  credential('tailscale-key', 'Tailscale key', [
    'tskey-auth-{alnum:10-20}-{alnum:20-40}',
    'tskey-api-{alnum:10-20}-{alnum:20-40}',
    'tskey-client-{alnum:10-20}-{alnum:20-40}',
  ]),
  credential('defined-networking-api-token', 'Defined Networking token', ['dnkey-{wide:26}-{wide:52}']),
  credential('fastly-pat', 'Fastly token', ['fst_{alnum:30-40}']),
  assigned('fastly-api-token', 'Fastly token', ['fastly'], ['{wide:32}']),
  credential('clickhouse-cloud-api-secret-key', 'ClickHouse Cloud secret', ['4b1d{alnum:38}']),
  credential('prefect-api-token', 'Prefect token', ['pnu_{alnum:36}', 'pnb_{alnum:36}']),
  credential(
    '1password-service-account-token',
    '1Password service account token',
    ['ops_eyJ{base64:250-2000}', 'ops_eyJ{base64:250-2000}='],
    { entropy: 4 },
  ),
] as const;
