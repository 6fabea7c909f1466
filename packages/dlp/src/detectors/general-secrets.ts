import type { TokenDetector } from '../detect/detector.ts';
import { isPlaceholder } from '../entropy/placeholder.ts';
import { credential } from './credential.ts';

/** Longest finding of a private key; a longer one is reported piece by piece. */
export const LONGEST_KEY = 4_096;

const PASSWORD_IN_URL: TokenDetector = credential(
  'url-password',
  'Password in a URL or connection string',
  ['://user{digit:2}:{alnum:12}@db.internal'],
  {
    keywords: ['://'],
    pattern: '://[^\\s:/@"\'<>`{}()]{0,64}:([^\\s/@"\'<>`]{3,128})@[A-Za-z0-9\\[_][A-Za-z0-9.:_\\]-]{0,252}',
    severity: 'high',
    confidence: 0.9,
    entropy: 1,
    validate: (secret) => !isPlaceholder(secret),
    good: ['https://user:password@db.internal', 'http://localhost:8080/a@b', 'https://host.dev:443/x'],
  },
);

/** Formats that belong to no single vendor. */
export const GENERAL_SECRETS: readonly TokenDetector[] = [
  credential(
    'private-key',
    'Private key (PEM, OpenSSH, PGP)',
    ['-----BEGIN PRIVATE KEY-----\n{base64:64}\n{base64:64}\n-----END PRIVATE KEY-----'],
    {
      keywords: ['-----begin', '\\n-----begin'],
      pattern:
        '-----BEGIN[A-Z0-9 ]{0,40} ?PRIVATE KEY(?: BLOCK)?-----(?:(?!-----(?:END|BEGIN))[\\s\\S]){32,16000}(?:-----END[A-Z0-9 ]{0,40}-----)?',
      ignoreCase: true,
      entropy: 3.2,
      confidence: 1,
      good: [
        '-----BEGIN PUBLIC KEY-----\n{base64:64}\n-----END PUBLIC KEY-----',
        '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----',
      ],
    },
  ),
  credential(
    'putty-private-key',
    'PuTTY private key',
    ['PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n{base64:64}\nPrivate-MAC: {hex:40}'],
    {
      keywords: ['putty-user-key-file-'],
      pattern: 'PuTTY-User-Key-File-[23]: [\\s\\S]{20,3900}?Private-MAC: [0-9a-f]{40,64}',
      good: ['PuTTY-User-Key-File-3: ssh-ed25519'],
    },
  ),
  credential('jwt', 'JSON Web Token', ['eyJ{word:20}.eyJ{word:30}.{word:43}', 'eyJ{word:40}.eyJ{word:60}'], {
    keywords: ['eyj', 'ewo', 'eya'],
    pattern:
      '(?<![A-Za-z0-9_-])e(?:yJ|wo|yA)[A-Za-z0-9_-]{8,1500}\\.e(?:yJ|wo|yA)?[A-Za-z0-9/\\\\_-]{10,2400}={0,2}(?:\\.[A-Za-z0-9/\\\\_-]{0,700}={0,2}){0,3}',
    severity: 'high',
    entropy: 3,
  }),
  credential('jwt-base64', 'JSON Web Token, base64 once more', ['ZXlK{base64:80-3000}'], {
    pattern: '(?<![A-Za-z0-9+/_-])ZXlK(?:[A-Za-z0-9+/_-]|\\\\[rn]){40,4000}={0,2}',
    severity: 'high',
    entropy: 3,
    good: ['ZXlK{base64:12}'],
  }),
  PASSWORD_IN_URL,
  credential(
    'authorization-header',
    'Credential in an HTTP header',
    ['Authorization: Bearer {alnum:32}', 'Authorization: Basic {base64:24}=='],
    {
      keywords: [
        'authorization',
        'x-api-key',
        'api-token',
        'x-auth-token',
        'private-token',
        'apikey',
        '-h "token:',
        "-h 'token:",
      ],
      pattern:
        '(?:-h ["\']token|proxy-authorization|authorization|[a-z-]{0,20}api-?key|x-auth-token|private-token|api-token)["\']?\\s{0,3}:\\s{0,3}["\']?(?:(?:bearer|basic|token|api-token|apikey|digest|negotiate|flyv1)\\s{1,4})?([A-Za-z0-9_.~+/=@:-]{8,2000})',
      ignoreCase: true,
      severity: 'high',
      confidence: 0.8,
      entropy: 2.2,
      validate: (secret) =>
        /\d|=$/.test(secret) && !isPlaceholder(secret) && !/^(?:https?:|\/|\d+[.:]\d)/.test(secret),
      good: ['Authorization: Bearer $API_KEY', 'Authorization: Bearer <token>'],
    },
  ),
  credential('curl-user', 'User and password on a command line', ['curl -u admin:{alnum:12} https://host'], {
    keywords: ['curl '],
    pattern:
      'curl [^\\n|;]{0,200}?(?:\\\\\\n[^\\n|;]{0,200}?){0,4}(?:-u|--user)[ =]{0,3}(\'[^\'\\n]{3,100}\'|"[^"\\n]{0,60}"(?::"[^"\\n]{2,60}")?|[^\\s"\'<>${]{1,64}:\'[^\'\\n]{3,64}\'|[^\\s"\'<>{]{1,64}:[^\\s"\'<>{]{3,64})',
    severity: 'high',
    confidence: 0.85,
    entropy: 2,
    validate: isRealUserAndPassword,
    good: ['curl -u user:pass https://host', 'curl -u "$USER:$PASS" https://host'],
  }),
  credential(
    'htpasswd-hash',
    'Password hash',
    [
      '$2y$12${alnum:53}',
      '$argon2id$v=19$m=65536,t=3,p=4${base64:22}${base64:43}',
      '$6${alnum:16}${alnum:86}',
    ],
    {
      keywords: ['$2a$', '$2b$', '$2y$', '$argon2', '$6$', '$5$'],
      pattern:
        '\\$2[aby]\\$\\d{2}\\$[A-Za-z0-9./]{53}|\\$argon2(?:id|i|d)\\$[A-Za-z0-9=,$]{8,60}\\$[A-Za-z0-9+/]{16,100}\\$[A-Za-z0-9+/]{22,100}|\\$[56]\\$(?:rounds=\\d{1,9}\\$)?[A-Za-z0-9./]{4,16}\\$[A-Za-z0-9./]{43,86}',
      severity: 'medium',
      good: ['user:$apr1$', 'cost $5 and $6 and $2a'],
    },
  ),
  credential(
    'odbc-password',
    'Password in a connection string',
    ['Server=db;User Id=sa;Password={alnum:14};'],
    {
      keywords: ['password=', 'pwd='],
      pattern: '(?<=;\\s{0,3})(?:password|pwd)\\s{0,2}=\\s{0,2}([^;\\s"\'<>${]{4,128})',
      ignoreCase: true,
      severity: 'high',
      entropy: 1.5,
      validate: (secret) => !isPlaceholder(secret),
      good: ['Password=changeme;', 'pwd=;'],
    },
  ),
];

function isRealUserAndPassword(argument: string): boolean {
  const bare = argument.replace(/["']/g, '');
  const colon = bare.indexOf(':');
  if (colon === -1) return false;
  const [user, password] = [bare.slice(0, colon), bare.slice(colon + 1)];
  const secret = password.length > 0 ? password : user;
  if (/^[$<[]|\$\{|\$\(|\{\{/.test(secret)) return false;
  return (
    secret.length >= 6 &&
    /[^a-z]/.test(secret) &&
    /[a-z0-9]/.test(secret) &&
    !isPlaceholder(secret) &&
    !/^[A-Z_]+$/.test(secret)
  );
}
