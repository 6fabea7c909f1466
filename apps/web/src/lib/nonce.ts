/** The nonce of this response, out of the policy that the server put on the request. */
export function readNonce(policy: string | null): string | undefined {
  return /'nonce-([A-Za-z0-9+/=_-]+)'/.exec(policy ?? '')?.[1];
}
