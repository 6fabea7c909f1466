/** Values that look random and are no secrets. */
const SHAPES: readonly RegExp[] = [
  /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i, // UUID
  /^(?:0x)?(?:[0-9a-f]{2}){3,64}$|^(?:0x)?(?:[0-9A-F]{2}){3,64}$/, // hashes, git ids
  /^(?:sha(?:1|224|256|384|512)|md5|h1|c2|go)[-:]/i, // integrity of lock files
  /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, // ULID
  /^(?:iVBORw0KGgo|\/9j\/|R0lGOD|UklGR|PHN2Z|AAAB|d09GR|T1RUTw|JVBERi0|UEsDB|H4sI)/, // base64 of media and archives
  /^(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{27}=|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{64})$/, // digests in base64
  /^[a-z]{2,12}_01[0-9A-Za-z]{22,40}$/, // ids of objects in APIs
  /^AAAA(?:B3NzaC1|C3NzaC1|E2VjZHNh|G[nm]Nr)/, // public keys of SSH (RFC 4253 §6.6)
  /^pk_(?:live|test)_|^nonce-/, // keys and nonces that pages show everybody
  /^(?:msg|resp|call|toolu|srvtoolu|req|run|step|thread|asst|file|batch|cus|pi|ch|in|sub|evt|prod|price|acct|chatcmpl|cmpl|gen|rs|fc|ws|ft|ftjob|org|proj|user|vs|vsf|seti|card|txn|tr|po|dp|pm|cs|si|ii|il|src|ba|py|txr|pyr|plink|sku)[_-][0-9A-Za-z]{14,52}$/,
  /^\d[\d.,:_-]*$/, // numbers, times, versions
  /^[\w.-]+\.(?:js|ts|css|html|json|png|jpe?g|svg|gif|woff2?|md|py|go|rs|java|so|dll|zip|gz)$/i, // file names
];

/** Whether the value has the shape of an identifier or a digest. */
export function hasKnownShape(value: string): boolean {
  return SHAPES.some((shape) => shape.test(value));
}
