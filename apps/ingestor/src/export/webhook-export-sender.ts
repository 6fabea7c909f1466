import type { ExportSettings } from '@raypher/shared/rest';
import { signMessage } from '../approvals/chat-message.ts';
import type { OutboundNetwork } from '../http/outbound.ts';
import { heard, type OutgoingEvent, type Sender } from './delivery.ts';
import { HttpsPoster } from './https-poster.ts';

/** Posts batches to an https address, signed as messages to chat services are. */
export class WebhookExportSender implements Sender {
  readonly #poster: HttpsPoster;
  readonly #signingKey: string;
  readonly #format: 'json' | 'ndjson';
  readonly #id: string;
  readonly #secrets: readonly string[];

  /** @param id of the destination */
  constructor(
    id: string,
    secret: { url: string; signingKey: string },
    settings: ExportSettings,
    options: { network: OutboundNetwork; ca: string | undefined },
  ) {
    const target = new URL(secret.url);
    // What is behind the host may be what lets somebody in.
    this.#secrets = [secret.signingKey, `${target.pathname}${target.search}`].filter(
      (part) => part.length > 4,
    );
    this.#poster = new HttpsPoster(target, options.network, options.ca, this.#secrets);
    this.#signingKey = secret.signingKey;
    this.#format = settings.format ?? 'json';
    this.#id = id;
  }

  async send(events: readonly OutgoingEvent[]): Promise<string> {
    const lines = events.map(({ json }) => json);
    const body = this.#format === 'json' ? `[${lines.join(',')}]` : lines.map((line) => `${line}\n`).join('');
    const { status, body: said } = await this.#poster.post(
      {
        'content-type': this.#format === 'json' ? 'application/json' : 'application/x-ndjson',
        'idempotency-key': `${this.#id}/${events[0]?.index}-${events.at(-1)?.index}`,
        'raypher-signature': signMessage(this.#signingKey, body, Math.floor(Date.now() / 1_000)),
      },
      Buffer.from(body),
    );
    return `${status} ${heard(said, this.#secrets)}`.trim();
  }

  close(): Promise<void> {
    return this.#poster.close();
  }
}
