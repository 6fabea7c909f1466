import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ExportSettings } from '@raypher/shared/rest';
import { z } from 'zod';
import type { OutboundNetwork } from '../http/outbound.ts';
import { DeliveryError, heard, type OutgoingEvent, type Sender } from './delivery.ts';
import { HttpsPoster } from './https-poster.ts';

const compress = promisify(gzip);
const EVENT_PATH = '/services/collector/event';
const ACK_PATH = '/services/collector/ack';
const SOURCETYPE = 'raypher:ocsf';

/** How indexer acknowledgement is waited for, milliseconds. */
export interface AckPatience {
  everyMs: number;
  atMostMs: number;
}
export const ACK_PATIENCE: AckPatience = { everyMs: 1_000, atMostMs: 60_000 };

const Said = z.object({ text: z.string(), code: z.number(), ackId: z.number().optional() });
const Acks = z.object({ acks: z.record(z.string(), z.boolean()) });

/** Splunk's HTTP Event Collector: batches, gzip, with indexer acknowledgement where a channel is set. */
export class SplunkSender implements Sender {
  readonly #poster: HttpsPoster;
  readonly #token: string;
  readonly #settings: ExportSettings;
  readonly #patience: AckPatience;
  readonly #base: string;

  constructor(
    address: string,
    token: string,
    settings: ExportSettings,
    options: { network: OutboundNetwork; ca: string | undefined; patience?: AckPatience },
  ) {
    const target = new URL(address);
    this.#poster = new HttpsPoster(target, options.network, options.ca, [token]);
    this.#token = token;
    this.#settings = settings;
    this.#patience = options.patience ?? ACK_PATIENCE;
    // The address is that of the collector, or of a proxy that has it below a path.
    this.#base = target.pathname.replace(/\/(services\/collector(\/event)?)?\/?$/, '');
  }

  async send(events: readonly OutgoingEvent[]): Promise<string> {
    const body = await compress(Buffer.from(events.map((one) => this.#line(one)).join('')));
    const posted = await this.#poster.post(
      { ...this.#headers(), 'content-encoding': 'gzip' },
      body,
      this.#base + EVENT_PATH,
    );
    const said = Said.safeParse(parsed(posted.body));
    const words = heard(posted.body, [this.#token]);
    if (!said.success || said.data.code !== 0) {
      throw new DeliveryError(`Splunk answers ${posted.status} without saying Success: ${words}`);
    }
    if (this.#settings.channel === undefined) return `${posted.status} ${words}`;
    if (said.data.ackId === undefined) {
      throw new DeliveryError(
        'Splunk gives no acknowledgement: enable indexer acknowledgement for this token, or take the channel away.',
        { isPermanent: true },
      );
    }
    await this.#indexed(said.data.ackId);
    return `${posted.status} ${words}, indexed`;
  }

  close(): Promise<void> {
    return this.#poster.close();
  }

  /** `event` is our JSON as it is: nothing is serialised twice. */
  #line({ event, json }: OutgoingEvent): string {
    const { index, sourcetype = SOURCETYPE } = this.#settings;
    const about = {
      time: event.time / 1_000,
      source: 'raypher',
      sourcetype,
      ...(index === undefined ? {} : { index }),
      ...(hostOf(event) === undefined ? {} : { host: hostOf(event) }),
    };
    return `${JSON.stringify(about).slice(0, -1)},"event":${json}}\n`;
  }

  #headers(): Record<string, string> {
    const { channel } = this.#settings;
    return {
      authorization: `Splunk ${this.#token}`,
      'content-type': 'application/json',
      ...(channel === undefined ? {} : { 'x-splunk-request-channel': channel }),
    };
  }

  /** Asks until the batch is in the index; before that it may be lost with an indexer. */
  async #indexed(ackId: number): Promise<void> {
    const { channel = '' } = this.#settings;
    const path = `${this.#base}${ACK_PATH}?channel=${channel}`;
    const body = Buffer.from(JSON.stringify({ acks: [ackId] }));
    const until = performance.now() + this.#patience.atMostMs;
    for (;;) {
      const { body: answer } = await this.#poster.post(this.#headers(), body, path);
      const said = Acks.safeParse(parsed(answer));
      if (said.success && said.data.acks[String(ackId)] === true) return;
      if (performance.now() >= until) {
        throw new DeliveryError(
          `Splunk has not indexed the batch within ${this.#patience.atMostMs / 1_000} s.`,
        );
      }
      await setTimeout(this.#patience.everyMs);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hostOf({ device }: OutgoingEvent['event']): string | undefined {
  if (typeof device !== 'object' || Array.isArray(device)) return undefined;
  const { hostname = device.name } = device;
  return typeof hostname === 'string' ? hostname : undefined;
}
