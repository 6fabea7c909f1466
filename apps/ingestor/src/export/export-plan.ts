import { randomBytes } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import {
  type CreateExportDestination,
  ExportKind,
  ExportSettings,
  type UpdateExportDestination,
} from '@raypher/shared/rest';
import type { ExportDestination } from '../generated/prisma/client.ts';
import type { ExportSecret } from './senders.ts';

/** What a destination will be: what is shown of it, and what is sealed. */
export interface Plan {
  /** Of a webhook the origin alone. */
  address: string;
  settings: ExportSettings;
  /** PEM. */
  ca: string | null;
  secret: ExportSecret;
  secretChanged: boolean;
  /** To be shown this once. */
  newSigningKey: string | null;
}

/** @throws RaypherError `request/invalid` for what does not fit together */
export function newDestination(body: CreateExportDestination): Plan {
  const plan = { settings: {}, ca: null, secret: {}, secretChanged: true, newSigningKey: null };
  switch (body.kind) {
    case 'splunk-hec': {
      const { index, sourcetype, channel } = body;
      return {
        ...plan,
        address: plainUrl(body.address).href,
        settings: settingsOf({ index, sourcetype, channel }),
        ca: body.ca ?? null,
        secret: { token: body.token },
      };
    }
    case 'webhook': {
      const url = plainUrl(body.address);
      const signingKey = newKey();
      return {
        ...plan,
        address: url.origin,
        settings: settingsOf({ format: body.format }),
        ca: body.ca ?? null,
        secret: { url: url.href, signingKey },
        newSigningKey: signingKey,
      };
    }
    case 'syslog-tls':
      return {
        ...plan,
        address: body.address,
        ca: body.ca ?? null,
        secret: clientOf(body.clientCertificate, body.clientKey),
      };
    case 'file':
      return { ...plan, address: '' };
  }
}

/**
 * A secret never follows an address to somewhere else: with a new address Splunk's token has to be given again, and a
 * webhook gets a new signing key.
 *
 * @throws RaypherError `request/invalid`
 */
export function exportChange(
  row: Pick<ExportDestination, 'kind' | 'address' | 'settings' | 'ca'>,
  secret: ExportSecret,
  body: UpdateExportDestination,
): Plan {
  const kind = ExportKind.parse(row.kind);
  requireFitting(kind, body);
  const settings = changedSettings(ExportSettings.parse(row.settings), body);
  const plan = {
    address: row.address,
    settings,
    ca: body.ca === undefined ? row.ca : body.ca,
    secret,
    secretChanged: false,
    newSigningKey: null,
  };
  switch (kind) {
    case 'splunk-hec': {
      const address = body.address === undefined ? row.address : plainUrl(body.address).href;
      if (body.token === undefined && (address !== row.address || body.ca !== undefined)) {
        throw invalid('Whoever changes where the token is sent has to know it.', 'Give the token again.');
      }
      if (body.token === undefined) return plan;
      return { ...plan, address, secret: { token: body.token }, secretChanged: true };
    }
    case 'webhook': {
      if (body.address === undefined) return plan;
      const url = plainUrl(body.address);
      const signingKey = newKey();
      return {
        ...plan,
        address: url.origin,
        secret: { url: url.href, signingKey },
        secretChanged: true,
        newSigningKey: signingKey,
      };
    }
    case 'syslog-tls': {
      const { clientCertificate, clientKey } = body;
      const isNew = clientCertificate !== undefined || clientKey !== undefined;
      return {
        ...plan,
        address: body.address ?? row.address,
        // A client's key never leaves: it signs, so it may stay when the server is another one.
        secret: isNew ? clientOf(clientCertificate, clientKey) : secret,
        secretChanged: isNew,
      };
    }
    case 'file':
      return plan;
  }
}

const FITTING: Readonly<Record<ExportKind, readonly (keyof UpdateExportDestination)[]>> = {
  'splunk-hec': ['address', 'token', 'index', 'sourcetype', 'channel', 'ca'],
  webhook: ['address', 'format', 'ca'],
  'syslog-tls': ['address', 'ca', 'clientCertificate', 'clientKey'],
  file: [],
};
const ALWAYS: readonly string[] = ['name', 'enabled', 'filter', 'reason'];

function requireFitting(kind: ExportKind, body: UpdateExportDestination): void {
  const fitting: readonly string[] = [...ALWAYS, ...FITTING[kind]];
  const other = Object.keys(body).find((member) => !fitting.includes(member));
  if (other !== undefined) throw invalid(`A destination of the kind ${kind} has no ${other}.`);
  const { address } = body;
  if (address === undefined) return;
  if ((kind === 'syslog-tls') === address.startsWith('https://')) {
    throw invalid('The address is not one for this kind of destination.');
  }
}

function changedSettings(before: ExportSettings, body: UpdateExportDestination): ExportSettings {
  const { index, sourcetype, channel, format } = body;
  const kept = (now: string | null | undefined, was: string | undefined) =>
    now === undefined ? was : (now ?? undefined);
  return settingsOf({
    index: kept(index, before.index),
    sourcetype: kept(sourcetype, before.sourcetype),
    channel: kept(channel, before.channel),
    format: format ?? before.format,
  });
}

function settingsOf(members: { [name in keyof ExportSettings]: ExportSettings[name] | undefined }) {
  return ExportSettings.parse(
    Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)),
  );
}

function clientOf(clientCertificate: string | undefined, clientKey: string | undefined): ExportSecret {
  if (clientCertificate === undefined && clientKey === undefined) return {};
  if (clientCertificate === undefined || clientKey === undefined) {
    throw invalid('A client certificate and its key go together.');
  }
  return { clientCertificate, clientKey };
}

function plainUrl(address: string): URL {
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') throw invalid('The address must not hold a user.');
  return url;
}

function newKey(): string {
  return randomBytes(32).toString('base64url');
}

function invalid(message: string, hint?: string): RaypherError {
  return new RaypherError('request/invalid', message, hint === undefined ? {} : { hint });
}
