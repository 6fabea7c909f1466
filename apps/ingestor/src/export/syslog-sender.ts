import { once } from 'node:events';
import { isIP } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Severity } from '@raypher/shared';
import { addressesOf, type OutboundNetwork, pinned } from '../http/outbound.ts';
import { DeliveryError, type OutgoingEvent, type Sender } from './delivery.ts';
import { NETWORK_HINT } from './export-network.ts';
import { unreachable } from './https-poster.ts';

/** How long a server may take to connect, to read, and to close in answer to our close; milliseconds. */
const TIMEOUT_MS = 30_000;
/** And one batch in all, milliseconds: one that goes on saying something is never silent. */
const LONGEST_MS = 120_000;

/** Between the last byte and our end of the stream, milliseconds; the first batch of a sender waits a second in all. */
const PAUSE_MS = 100;
const FIRST_PAUSES = 10;

/** Facility 13, log audit (RFC 5424 §6.2.1). */
const FACILITY = 13;
const SEVERITIES: Readonly<Record<Severity, number>> = { info: 6, notice: 5, warning: 4, critical: 2 };

export interface ClientIdentity {
  certificate: string;
  /** PEM. */
  key: string;
}

interface SyslogOptions {
  network: OutboundNetwork;
  ca: string | undefined;
  client: ClientIdentity | undefined;
  /** Another one in tests. */
  longestMs?: number;
}

/**
 * Syslog over TLS (RFC 5425). The protocol has no acknowledgement, so every batch is a connection of its own: a batch
 * counts once the server, having read to our end of the stream, has closed its own without an error. A server that
 * breaks off has not, and gets the batch again.
 */
export class SyslogSender implements Sender {
  readonly #host: string;
  readonly #port: number;
  readonly #options: SyslogOptions;
  /** TLS session of the connection before, so that the next one is cheap. */
  #session: Buffer | undefined;
  /** It lets us in: the next batch need not wait so long to see. */
  #hasTaken = false;

  /** @param address `host:port` */
  constructor(address: string, options: SyslogOptions) {
    const colon = address.lastIndexOf(':');
    this.#host = address.slice(0, colon).replace(/^\[|\]$/g, '');
    this.#port = Number(address.slice(colon + 1));
    this.#options = options;
  }

  async send(events: readonly OutgoingEvent[]): Promise<string> {
    try {
      const socket = await this.#connected();
      const protocol = socket.getProtocol() ?? 'TLS';
      await delivered(socket, Buffer.concat(events.map(frame)), this.#hasTaken ? 1 : FIRST_PAUSES);
      this.#hasTaken = true;
      return `${protocol}: read and closed`;
    } catch (cause) {
      throw unreachable(cause, this.#options.client === undefined ? [] : [this.#options.client.key]);
    }
  }

  async close(): Promise<void> {
    this.#session = undefined;
  }

  async #connected(): Promise<TLSSocket> {
    const { network, client, ca = network.ca, longestMs = LONGEST_MS } = this.#options;
    const addresses = await addressesOf(network, this.#host, NETWORK_HINT);
    const options: ConnectionOptions & { allowHalfOpen: boolean } = {
      host: this.#host,
      port: this.#port,
      lookup: pinned(addresses),
      // So that an end of theirs that comes too early is seen as one.
      allowHalfOpen: true,
      // RFC 6066 §3: a server name is never an address.
      ...(isIP(this.#host) === 0 ? { servername: this.#host } : {}),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca }),
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
      ...(this.#session === undefined ? {} : { session: this.#session }),
    };
    const socket = connect(options);
    socket.setTimeout(TIMEOUT_MS, () =>
      socket.destroy(new Error('the syslog server does not answer in time')),
    );
    addAbortSignal(AbortSignal.timeout(longestMs), socket);
    socket.on('session', (session) => {
      this.#session = session;
    });
    await once(socket, 'secureConnect');
    return socket;
  }
}

/**
 * Writes everything, waits, and closes in order. Some servers turn a client away only after the handshake, with the bytes
 * read and thrown away, and then close as those do that have taken them. So the connection has to outlive the wait.
 */
async function delivered(socket: TLSSocket, bytes: Buffer, pauses: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isOver = false;
  const brokenOff = () =>
    reject(new DeliveryError('the syslog server broke the connection off before it had read everything'));
  socket.on('error', reject);
  socket.on('end', () => {
    if (isOver && socket.writableFinished) resolve();
    else brokenOff();
  });
  socket.on('close', brokenOff);
  // Servers send nothing; what one sends is not for us.
  socket.resume();
  socket.write(bytes, async () => {
    // One long pause could pass while this process stands still, and what the server did be seen only after it.
    for (let pause = 0; pause < pauses && !socket.destroyed; pause += 1) await setTimeout(PAUSE_MS);
    isOver = true;
    socket.end();
  });
  try {
    await promise;
  } finally {
    socket.destroy();
  }
}

/** Octet counting (RFC 5425 §4.3) around an RFC 5424 message without structured data. */
export function frame({ severity, event, json }: OutgoingEvent): Buffer {
  const priority = FACILITY * 8 + SEVERITIES[severity];
  const time = new Date(event.time).toISOString();
  const message = Buffer.from(
    `<${priority}>1 ${time} ${header(hostOf(event), 255)} raypher - ${header(codeOf(event), 32)} - ${json}`,
    'ascii',
  );
  return Buffer.concat([Buffer.from(`${message.length} `, 'ascii'), message]);
}

/** PRINTUSASCII of RFC 5424 §6, or the nil value. */
function header(text: string | undefined, most: number): string {
  const printable = (text ?? '').replaceAll(/[^\x21-\x7e]/g, '').slice(0, most);
  return printable === '' ? '-' : printable;
}

function hostOf({ device }: OutgoingEvent['event']): string | undefined {
  if (typeof device !== 'object' || Array.isArray(device)) return undefined;
  const { hostname, uid } = device;
  return typeof hostname === 'string' ? hostname : typeof uid === 'string' ? uid : undefined;
}

function codeOf({ metadata }: OutgoingEvent['event']): string | undefined {
  return typeof metadata.event_code === 'string' ? metadata.event_code : undefined;
}
