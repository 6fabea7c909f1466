const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;

/**
 * What can be said about a pasted certificate before it is sent; undefined when it may be right. The control plane
 * reads the certificate itself.
 */
export function pemProblem(text: string): string | undefined {
  if (text.trim() === '') return undefined;
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.some(([, kind]) => kind?.includes('PRIVATE KEY')))
    return 'This holds a private key. Remove it: only the certificate belongs here.';
  const certificates = blocks.filter(([, kind]) => kind === 'CERTIFICATE');
  if (certificates.length === 0)
    return 'No PEM certificate is in it: it starts with -----BEGIN CERTIFICATE-----.';
  if (certificates.length > 1) return `${certificates.length} certificates are in it: add them one by one.`;
  const body = certificates[0]?.[2] ?? '';
  return /^[A-Za-z0-9+/=\s]+$/.test(body)
    ? undefined
    : 'The certificate holds characters that are not Base64.';
}
