/** Variables by which programs find the authorities to trust, each instead of their own list. */
const WHOLE_LIST = [
  // OpenSSL, and with it Python's ssl, Ruby, PHP
  'SSL_CERT_FILE',
  // Python's requests; pip; httpx through ssl
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  // The AWS command line and boto
  'AWS_CA_BUNDLE',
  'CARGO_HTTP_CAINFO',
  'NIX_SSL_CERT_FILE',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  'npm_config_cafile',
] as const;
/** The same, in addition to their own list. */
const IN_ADDITION = ['NODE_EXTRA_CA_CERTS', 'DENO_CERT'] as const;

/** What every local program reaches without the proxy: it would otherwise be asked about itself. */
const NOT_THROUGH_PROXY = 'localhost,127.0.0.1,::1';

/**
 * What makes programs trust this machine's root.
 *
 * @param bundle file with everything that they shall trust
 */
export function trustVariables(bundle: string): Record<string, string> {
  return Object.fromEntries([...WHOLE_LIST, ...IN_ADDITION].map((name) => [name, bundle]));
}

/**
 * What leads programs through the proxy, each in both spellings: curl reads `http_proxy` only in lower case.
 *
 * @param given what is set already; a proxy that somebody chose stays, in every spelling
 */
export function proxyVariables(
  proxyPort: number,
  given: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const url = `http://127.0.0.1:${proxyPort}`;
  const wanted = { HTTPS_PROXY: url, HTTP_PROXY: url, NO_PROXY: NOT_THROUGH_PROXY };
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(wanted)) {
    const spellings = [name, name.toLowerCase()];
    if (spellings.some((spelling) => given[spelling] !== undefined)) continue;
    for (const spelling of spellings) set[spelling] = value;
  }
  // Node.js looks at the others only when it is told to.
  return { ...set, NODE_USE_ENV_PROXY: '1' };
}

/** Variables that are set already and keep a program from trusting this machine's root. */
export function foreignTrust(bundle: string, given: Readonly<Record<string, string | undefined>>): string[] {
  return [...WHOLE_LIST, ...IN_ADDITION].filter(
    (name) => given[name] !== undefined && given[name] !== bundle,
  );
}
