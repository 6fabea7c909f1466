import { SecretUse } from '@raypher/shared/rest';

/** Where a value may stand, as the form offers it. */
export const PLACE_KINDS = [
  { id: 'header', label: 'Header', example: 'authorization: Bearer' },
  { id: 'query', label: 'Query parameter', example: 'key' },
  { id: 'json', label: 'JSON field', example: '/auth/token' },
  { id: 'form', label: 'Form field', example: 'client_secret' },
  { id: 'basic', label: 'Basic authentication', example: 'password' },
] as const;
export type PlaceKind = (typeof PLACE_KINDS)[number]['id'];

/** What a value is for, as it is typed: lists with commas or spaces between their parts. */
export interface UseDraft {
  readonly hosts: string;
  readonly kind: PlaceKind;
  readonly place: string;
  readonly methods: string;
  readonly paths: string;
  readonly maxUses: string;
}

export const EMPTY_USE: UseDraft = {
  hosts: '',
  kind: 'header',
  place: 'authorization: Bearer',
  methods: '',
  paths: '',
  maxUses: '',
};

/** What is missing or wrong; undefined when nothing is. */
export function purposeProblem(draft: UseDraft): string | undefined {
  if (parts(draft.hosts).length === 0) return 'Name a host.';
  if (draft.place.trim() === '') return 'Say where the key belongs.';
  const parsed = parse(draft);
  if (parsed.success) return undefined;
  return PROBLEMS[String(parsed.error.issues[0]?.path[0])] ?? 'This is no use of a key.';
}

/** @throws ZodError for a draft that has a {@link purposeProblem} */
export function writtenUse(draft: UseDraft): SecretUse {
  return SecretUse.parse(written(draft));
}

const PROBLEMS: Partial<Record<string, string>> = {
  hosts: 'A host is a name such as api.example.com, or *.example.com.',
  methods: 'Methods are GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS or QUERY.',
  paths: 'A path begins with a slash, such as /repos/**.',
  in: 'This is no place that a key can stand in.',
  maxUses: 'The number of uses is at least 1.',
};

function parse(draft: UseDraft) {
  return SecretUse.safeParse(written(draft));
}

function written({ hosts, kind, place, methods, paths, maxUses }: UseDraft): unknown {
  const [wanted, limited] = [parts(methods), parts(paths)];
  return {
    hosts: parts(hosts).map((host) => host.toLowerCase()),
    ...(wanted.length === 0 ? {} : { methods: wanted.map((method) => method.toUpperCase()) }),
    ...(limited.length === 0 ? {} : { paths: limited }),
    in: [placeOf(kind, place.trim())],
    ...(maxUses.trim() === '' ? {} : { maxUses: Number(maxUses) }),
  };
}

function placeOf(kind: PlaceKind, place: string): Record<string, string> {
  if (kind !== 'header') return { [kind]: place };
  const [name = '', scheme = ''] = place.split(':', 2).map((part) => part.trim());
  const header = name.toLowerCase();
  return scheme === '' ? { header } : { header, scheme };
}

function parts(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '');
}
