import type {
  CreateExportDestination,
  ExportDestination,
  ExportFilter,
  ExportKind,
  UpdateExportDestination,
} from '@raypher/shared/rest';

/** What the dialog holds; empty where nothing was typed. */
export interface ExportForm {
  kind: ExportKind;
  name: string;
  address: string;
  token: string;
  index: string;
  channel: string;
  ca: string;
  clientCertificate: string;
  clientKey: string;
  severity: NonNullable<ExportFilter['severity']>;
  fromBeginning: boolean;
  enabled: boolean;
}

/** The form of a destination; of what is secret or hidden nothing is in it. */
export function formOf(destination: ExportDestination | undefined): ExportForm {
  const isHidden = destination?.kind === 'webhook';
  return {
    kind: destination?.kind ?? 'splunk-hec',
    name: destination?.name ?? '',
    address: isHidden ? '' : (destination?.address ?? ''),
    token: '',
    index: destination?.settings.index ?? '',
    channel: destination?.settings.channel ?? '',
    ca: '',
    clientCertificate: '',
    clientKey: '',
    severity: destination?.filter.severity ?? 'info',
    fromBeginning: false,
    enabled: destination?.enabled ?? true,
  };
}

/** What a new destination is made from. */
export function createBody(form: ExportForm, reason: string): CreateExportDestination {
  const { kind, name, address, token, index, channel, clientCertificate, clientKey } = form;
  const common = {
    name,
    reason,
    filter: filterOf(form, {}),
    from: form.fromBeginning ? ('beginning' as const) : ('now' as const),
  };
  const ca = typed('ca', form.ca);
  switch (kind) {
    case 'splunk-hec':
      return {
        kind,
        ...common,
        address,
        token,
        ...ca,
        ...typed('index', index),
        ...typed('channel', channel),
      };
    case 'webhook':
      return { kind, ...common, address, ...ca };
    case 'syslog-tls':
      return {
        kind,
        ...common,
        address,
        ...ca,
        ...typed('clientCertificate', clientCertificate),
        ...typed('clientKey', clientKey),
      };
    case 'file':
      return { kind, ...common };
  }
}

/** Only what is another one now: an address that is repeated would ask for its secret again. */
export function updateBody(
  before: ExportDestination,
  form: ExportForm,
  reason: string,
): UpdateExportDestination {
  const { kind, settings } = before;
  const known = formOf(before);
  const isSplunk = kind === 'splunk-hec';
  return {
    name: form.name,
    enabled: form.enabled,
    filter: filterOf(form, before.filter),
    reason,
    ...(form.address === known.address ? {} : typed('address', form.address)),
    ...typed('token', isSplunk ? form.token : ''),
    ...typed('ca', form.ca),
    ...typed('clientCertificate', form.clientCertificate),
    ...typed('clientKey', form.clientKey),
    ...(isSplunk && form.index !== (settings.index ?? '') ? { index: form.index || null } : {}),
    ...(isSplunk && form.channel !== (settings.channel ?? '') ? { channel: form.channel || null } : {}),
  };
}

function filterOf({ severity }: ExportForm, before: ExportFilter): ExportFilter {
  const { types } = before;
  return { ...(types === undefined ? {} : { types }), ...(severity === 'info' ? {} : { severity }) };
}

function typed<K extends string>(name: K, value: string): { [name in K]?: string } {
  // A computed key of a literal type is widened to string.
  return (value.trim() === '' ? {} : { [name]: value.trim() }) as { [name in K]?: string };
}

/** What has to be typed before anything can be sent; undefined when nothing is missing. */
export function missingPart(form: ExportForm, before: ExportDestination | undefined): string | undefined {
  if (form.name.trim() === '') return 'Give it a name.';
  if (form.kind === 'file') return undefined;
  const isMoved = form.address !== formOf(before).address;
  const needsAddress = before === undefined || isMoved;
  if (needsAddress && form.kind === 'syslog-tls' && !/^\S+:\d{1,5}$/.test(form.address)) {
    return 'Give host and port, such as siem.example.com:6514.';
  }
  if (needsAddress && form.kind !== 'syslog-tls' && URL.parse(form.address)?.protocol !== 'https:') {
    return 'Give an https address.';
  }
  const needsToken = before === undefined || isMoved || form.ca !== '';
  if (form.kind === 'splunk-hec' && needsToken && form.token.trim().length < 8) return 'Give the token.';
  return undefined;
}
