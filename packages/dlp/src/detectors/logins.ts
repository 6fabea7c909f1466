import type { TokenDetector } from '../detect/detector.ts';
import { isPlaceholder } from '../entropy/placeholder.ts';
import { wordiness } from '../entropy/wordiness.ts';
import { credential } from './credential.ts';

/** Letters with digits or of both cases, as people and machines choose them, and no stand-in. */
function isPassword(secret: string): boolean {
  return (
    /[A-Za-z]/.test(secret) &&
    (/\d/.test(secret) || (/[a-z][A-Z]/.test(secret) && wordiness(secret) < 0.5)) &&
    !/^[$<%{[(-]|\$\{|\$\(|^[A-Z][A-Z0-9_]*$/.test(secret) &&
    !isPlaceholder(secret)
  );
}

/** Base64 of `user:password` (RFC 7617). */
function isUserAndPassword(secret: string): boolean {
  try {
    return /^[\x21-\x39\x3b-\x7e]{1,64}:[\x20-\x7e]{4,2000}$/.test(atob(secret));
  } catch {
    return false;
  }
}

const LOGIN = { severity: 'high', confidence: 0.85, entropy: 1.5, validate: isPassword } as const;
/** A value in the shell, quoted or not. */
const WORD = '["\']?([^\\s"\'`;|&<>]{6,128})';
const REST = '[^\\n|;&]{0,160}?';

/** Passwords where commands, calls and files of their own kind have them, without a name beside them. */
export const LOGINS: readonly TokenDetector[] = [
  credential(
    'password-on-command-line',
    'Password on a command line',
    [
      'mysql -h db1 -u root -p{alnum:12} shop',
      'redis-cli -h cache1 -a {alnum:16} ping',
      'sshpass -p {alnum:12} ssh root@web1',
      'docker login -u ci -p {alnum:20} registry.northwind.dev',
      'ldapsearch -x -D cn=admin -w {alnum:12} -b dc=northwind',
      'htpasswd -bc /etc/nginx/.htpasswd admin {alnum:12}',
      'unzip -P {alnum:12} backup.zip',
      'smbclient //fs/share -U jo%{alnum:12}',
      'az login --service-principal -u app -p {alnum:20} --tenant t',
      'ConvertTo-SecureString "{alnum:12}" -AsPlainText',
    ],
    {
      ...LOGIN,
      keywords: [
        'mysql',
        'redis-cli ',
        'sshpass ',
        'docker login ',
        'podman login ',
        'ldapsearch ',
        'htpasswd -',
        'unzip ',
        'smbclient ',
        'az login ',
        'convertto-securestring ',
      ],
      pattern: [
        `mysql(?:dump|admin|import|show|check)?\\s${REST}(?<=\\s)-p${WORD}`,
        `redis-cli\\s${REST}(?<=\\s)-a\\s{1,3}${WORD}`,
        `sshpass\\s{1,3}-p\\s{0,3}${WORD}`,
        `(?:docker|podman) login\\s${REST}(?<=\\s)-p\\s{1,3}${WORD}`,
        `ldapsearch\\s${REST}(?<=\\s)-w\\s{1,3}${WORD}`,
        `htpasswd\\s{1,3}-[a-zB]{0,6}b[a-zB]{0,6}\\s{1,3}\\S{1,100}\\s{1,3}\\S{1,64}\\s{1,3}${WORD}`,
        `unzip\\s${REST}(?<=\\s)-P\\s{0,3}${WORD}`,
        `smbclient\\s${REST}(?<=\\s)-U\\s{0,3}["']?[\\w.\\\\/-]{1,64}%${WORD}`,
        `az login\\s${REST}(?<=\\s)-p\\s{1,3}${WORD}`,
        '[Cc]onvert[Tt]o-[Ss]ecure[Ss]tring\\s{1,3}(?:-String\\s{1,3})?["\']([^"\'\\n$]{6,128})',
      ].join('|'),
      good: [
        'mysql -u root -p shop',
        'mysql -P 3306 -p$MYSQL_PASSWORD shop',
        'docker login -u ci --password-stdin',
        'sshpass -e ssh root@web1',
        'redis-cli -a $REDIS_PASSWORD ping',
      ],
    },
  ),
  credential(
    'password-in-call',
    'Password in a call',
    [
      'requests.get(url, auth=("svc", "{alnum:14}"))',
      "smtp.login('noreply@northwind.com', '{alnum:14}')",
      'DriverManager.getConnection(url, "app", "{alnum:14}")',
      'new NetworkCredential("svc", "{alnum:14}")',
    ],
    {
      ...LOGIN,
      keywords: [
        'auth=(',
        '.login(',
        'basicauth(',
        'basic_auth(',
        'networkcredential(',
        'getconnection(',
        'plainauth(',
        'usernamepasswordcredentials(',
      ],
      pattern:
        '(?<=[\\w.\\s(=]|^)(?:auth=|\\.login|(?:basic_?|plain)auth|networkcredential|getconnection|usernamepasswordcredentials)\\(\\s{0,8}(?:[^()"\'\\n]{1,40},\\s{0,8})?(?:["\'][^"\'\\n]{0,80}["\'],\\s{0,8}){1,2}["\']([^"\'\\s]{6,128})["\']',
      ignoreCase: true,
      good: [
        'auth=("user", "password")',
        'client.login("svc", password)',
        'auth=(user, os.environ["PASSWORD"])',
      ],
    },
  ),
  credential(
    'netrc-password',
    'Password in a netrc file',
    ['machine api.northwind.dev\n  login ci\n  password {alnum:14}', 'login ci password {alnum:14}'],
    {
      ...LOGIN,
      keywords: ['login '],
      pattern: 'login[ \\t]{1,4}\\S{1,80}\\s{1,8}password[ \\t]{1,4}([^\\s"\'<>]{6,128})',
      good: ['login and password reset', 'login USER password PASSWORD'],
    },
  ),
  credential(
    'password-in-object',
    'Password of a login',
    ["auth: { user: 'jo', pass: '{alnum:12}' }", '{"user":"jo","pass":"{alnum:12}"}'],
    {
      ...LOGIN,
      keywords: ['pass:', '"pass"', "'pass'"],
      pattern: '["\']?pass["\']?\\s{0,2}(?::|=>|=)\\s{0,2}["\']([^"\'\\s]{6,128})["\']',
      good: ["bypass: 'q7zk2fw9vx'", "{ pass: 12, fail: 3, pass: 'password' }"],
    },
  ),
  credential('pgpass-password', 'Password in a pgpass file', ['db1:5432:orders:app:{alnum:14}'], {
    ...LOGIN,
    keywords: [':5432:'],
    pattern: ':5432:[\\w*-]{1,63}:[\\w.*@-]{1,63}:([^\\s:"\'<>]{6,128})',
    good: ['db1:5432:orders:app:password', '5432:5432'],
  }),
  credential(
    'directive-password',
    'Password of a service or network device',
    [
      'requirepass {alnum:20}',
      'bindpw {alnum:12}',
      'psk="{alnum:12}"',
      'snmp-server community {alnum:14} RO',
      'enable secret 0 {alnum:14}',
    ],
    {
      ...LOGIN,
      keywords: [
        'requirepass ',
        'masterauth ',
        'bindpw ',
        'rootpw ',
        'psk=',
        'snmp-server community ',
        'enable secret ',
        'enable password ',
      ],
      pattern: `(?:requirepass|masterauth|bindpw|rootpw|psk=|snmp-server community|enable (?:secret|password) \\d)\\s{0,4}${WORD}`,
      good: ['requirepass foobared', 'psk=your-passphrase', 'enable secret store'],
    },
  ),
  credential(
    'passphrase-argument',
    'Passphrase of a key store',
    ['openssl pkcs12 -export -passout pass:{alnum:14}', 'keytool -list -storepass {alnum:12}'],
    {
      ...LOGIN,
      keywords: [' pass:', '-storepass ', '-keypass '],
      pattern: `(?<=-(?:pass|passin|passout)) pass:${WORD}|-(?:store|key)pass\\s{1,3}${WORD}`,
      good: ['openssl -passin pass:$PASS', 'keytool -storepass changeit'],
    },
  ),
  credential(
    'registry-login',
    'User and password of a registry',
    [`"auth": "${btoa('ci:q7zk2fw9vx4jh8')}"`, `//npm.northwind.dev/:_auth=${btoa('ci:q7zk2fw9vx4jh8')}`],
    {
      severity: 'high',
      keywords: ['"auth"', ':_auth'],
      pattern: '(?:"auth"\\s{0,2}:\\s{0,2}|:_auth\\s{0,2}=\\s{0,2}"?)"?([A-Za-z0-9+/]{12,1000}={0,2})',
      validate: isUserAndPassword,
      good: ['"auth": "bearer"', '"auth": "{alnum:24}"'],
    },
  ),
  credential(
    'session-cookie',
    'Session cookie',
    [
      'Cookie: theme=dark; sessionid={lownum:32}',
      'PHPSESSID={lownum:26}',
      'connect.sid=s%3A{alnum:32}.{alnum:43}',
    ],
    {
      severity: 'high',
      confidence: 0.8,
      keywords: [
        'sessionid=',
        'phpsessid=',
        'connect.sid=',
        'laravel_session=',
        'next-auth.session-token=',
        'wordpress_logged_in_',
      ],
      pattern:
        '(?:(?:j|asp\\.net_|php)?sess(?:ion)?id|connect\\.sid|laravel_session|next-auth\\.session-token|wordpress_logged_in_[0-9a-f]{32})=([A-Za-z0-9%._|+/-]{20,2000}={0,2})',
      ignoreCase: true,
      entropy: 3,
      validate: isPassword,
      good: ['JSESSIONID=short', 'sessionid=your-session-id-goes-in-here'],
    },
  ),
  credential(
    'google-app-password',
    'App password',
    [
      'GMAIL_APP_PASSWORD="{lower:4} {lower:4} {lower:4} {lower:4}"',
      'val gmailAppPassword: String = "{lower:4} {lower:4} {lower:4} {lower:4}"',
      'app password: {lower:4} {lower:4} {lower:4} {lower:4}',
    ],
    {
      ...LOGIN,
      keywords: ['app_password', 'app password', 'app-password', 'apppassword'],
      pattern:
        '(?<=.|^)app[_ -]?password["\'`]?(?:\\s{0,3}(?:=>|[:=]|is|to|string)){1,3}\\s{0,3}["\'`]?([a-z]{4} [a-z]{4} [a-z]{4} [a-z]{4})(?![a-z ])',
      ignoreCase: true,
      validate: (secret) => wordiness(secret) < 0.75,
      good: ['app password: this must have more letters', 'app password = "your pass word here"'],
    },
  ),
  credential('vault-unseal-key', 'Vault unseal key', ['Unseal Key 1: {base64:44}'], {
    keywords: ['unseal key'],
    pattern: 'unseal key(?: \\d{1,2})?["\']?\\s{0,2}[:=]\\s{0,2}["\']?([A-Za-z0-9+/]{43,64}={0,2})',
    ignoreCase: true,
    entropy: 3.5,
    good: ['Unseal Key 1: (hidden)'],
  }),
  credential(
    'private-key-base64',
    'Private key, base64 once more',
    ['LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk{base64:200}'],
    {
      keywords: ['ls0tls1crudjti'],
      pattern:
        'LS0tLS1CRUdJTi(?:[A-Za-z0-9+/]{0,44}(?:UFJJVkFURSBLRVk|QUklWQVRFIEtFW|BSSVZBVEUgS0VZ))[A-Za-z0-9+/]{40,4000}={0,2}',
      confidence: 1,
      good: ['LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk{base64:200}'],
    },
  ),
  credential(
    'seed-phrase',
    'Recovery phrase of a wallet',
    [`MNEMONIC="${'{lower:6} '.repeat(11)}{lower:5}"`, `seed phrase: ${'{lower:5} '.repeat(23)}{lower:4}`],
    {
      keywords: [
        'mnemonic',
        'seed phrase',
        'seed_phrase',
        'seedphrase',
        'seed words',
        'recovery phrase',
        'secret phrase',
      ],
      pattern:
        '(?<=.|^)(?:mnemonic|(?:seed|recovery|secret)[ _-]?(?:phrase|words))["\'`]?(?:\\s{0,3}(?:is|are|phrase|=>|[:=(>])){0,3}\\s{0,3}["\'`[(]{0,2}((?:[a-z]{3,8}[ ,\\n]{1,2}){11,23}[a-z]{3,8})',
      ignoreCase: true,
      // Words of one and two letters stand in every sentence of that length, and in no such phrase.
      validate: (secret) => secret === secret.toLowerCase() && new Set(secret.split(/[ ,\n]+/)).size >= 11,
      good: [
        'mnemonic: a short word that helps you to keep in mind what would be lost without it',
        'MNEMONIC="your twelve words"',
      ],
    },
  ),
];
