import { RaypherError } from '@raypher/shared';
import { SecretUse } from '@raypher/shared/rest';
import { type Command, InvalidArgumentError } from 'commander';

/** What a value may be used for, as the command line writes it. */
export interface UseOptions {
  host?: string[];
  method?: string[];
  path?: string[];
  header?: string[];
  query?: string[];
  form?: string[];
  bodyField?: string[];
  basic?: string[];
  maxUses?: number;
  expires?: string;
}

/** Each may be given several times, except the last two. */
export function withUseOptions(command: Command): Command {
  return command
    .option(
      '--host <host>',
      'where it may be sent: a name, or *.suffix; port 443 unless it says :PORT',
      several,
    )
    .option(
      '--header <name[: scheme]>',
      "a header that it may stand in, such as 'authorization: Bearer'",
      several,
    )
    .option('--query <name>', 'a parameter of the query that it may stand in', several)
    .option('--body-field </path>', 'a field of a JSON body, as a JSON pointer such as /auth/token', several)
    .option('--form <name>', 'a field of a form that it may stand in', several)
    .option('--basic <part>', 'the username or the password of basic authentication', several)
    .option('--method <method>', 'a method that it may be sent with; without: any', several)
    .option('--path <glob>', "paths that it may be sent to, such as '/repos/**'; without: any", several)
    .option('--max-uses <n>', 'how often; without: any number of times', parseCount)
    .option('--expires <time>', 'until when, such as 2027-01-01T00:00:00Z; without: for good');
}

/**
 * @returns undefined when none of the options was given
 * @throws RaypherError `request/invalid`, with the option that is wrong
 */
export function useOf(options: UseOptions): SecretUse | undefined {
  const { host, method, path, maxUses, expires } = options;
  const places = [
    ...(options.header ?? []).map(headerPlace),
    ...(options.query ?? []).map((query) => ({ query })),
    ...(options.bodyField ?? []).map((json) => ({ json })),
    ...(options.form ?? []).map((form) => ({ form })),
    ...(options.basic ?? []).map((basic) => ({ basic })),
  ];
  const isGiven =
    [host, method, path, maxUses, expires].some((one) => one !== undefined) || places.length > 0;
  if (!isGiven) return undefined;
  const parsed = SecretUse.safeParse({
    hosts: (host ?? []).map((one) => one.toLowerCase()),
    ...(method === undefined ? {} : { methods: method.map((one) => one.toUpperCase()) }),
    ...(path === undefined ? {} : { paths: path }),
    in: places,
    ...(maxUses === undefined ? {} : { maxUses }),
    ...(expires === undefined ? {} : { expires }),
  });
  if (parsed.success) return parsed.data;
  const [field = 'in', index] = parsed.error.issues[0]?.path ?? [];
  throw new RaypherError('request/invalid', WRONG[String(field)] ?? 'This is no use of a key.', {
    hint: '`raypher seal --help` has examples.',
    details:
      typeof index === 'number' ? { field: String(field), number: index + 1 } : { field: String(field) },
  });
}

const WRONG: Partial<Record<string, string>> = {
  hosts:
    '--host takes 1 to 16 names such as api.example.com, or *.example.com; never a URL or a whole top-level domain.',
  methods: '--method takes GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS or QUERY.',
  paths: "--path begins with a slash and has no %, no query and no way up, such as '/repos/**'.",
  in: 'Name 1 to 8 places: --header NAME, --query NAME, --body-field /PATH, --form NAME, --basic username or password.',
  maxUses: '--max-uses takes a number from 1 to 1000000000.',
  expires: '--expires takes a time such as 2027-01-01T00:00:00Z.',
};

function headerPlace(written: string): { header: string; scheme?: string } {
  const at = written.indexOf(':');
  const header = (at === -1 ? written : written.slice(0, at)).trim().toLowerCase();
  const scheme = at === -1 ? '' : written.slice(at + 1).trim();
  return scheme === '' ? { header } : { header, scheme };
}

function several(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function parseCount(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A number of uses is meant.');
}
