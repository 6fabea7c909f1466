import { HttpsReceiver, type ReceivedRequest, type ReceiverAnswer } from './https-receiver.ts';

interface HecEvent {
  time: number;
  host?: string;
  sourcetype: string;
  index?: string;
  event: { metadata: { uid: string; sequence: number } };
}

/**
 * What Splunk's HTTP Event Collector is to a sender: token, channel, answers with codes, and acknowledgements that are
 * true only once the indexer has the batch.
 * https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/10.0/get-data-with-http-event-collector
 */
export class HecReceiver {
  readonly events: HecEvent[] = [];
  readonly asked: ReceivedRequest[] = [];
  /** Answers of the next batches instead of the usual. */
  readonly answers: ReceiverAnswer[] = [];
  /** Indexers are busy: nothing is acknowledged. */
  isIndexing = true;
  #acks = 0;

  private constructor(
    readonly receiver: HttpsReceiver,
    private readonly token: string,
    private readonly withAcks: boolean,
  ) {
    receiver.answer = (request) => this.#answer(request);
  }

  static async start(token: string, options: { acks?: boolean; port?: number } = {}): Promise<HecReceiver> {
    return new HecReceiver(await HttpsReceiver.start(undefined, options.port), token, options.acks ?? false);
  }

  get sequences(): number[] {
    return this.events.map(({ event }) => event.metadata.sequence);
  }

  #answer(request: ReceivedRequest): ReceiverAnswer {
    this.asked.push(request);
    if (request.headers.authorization !== `Splunk ${this.token}`) {
      return says(403, { text: 'Invalid token', code: 4, given: request.headers.authorization });
    }
    const channel = request.headers['x-splunk-request-channel'];
    if (this.withAcks && channel === undefined)
      return says(400, { text: 'Data channel is missing', code: 10 });
    if (request.path.startsWith('/services/collector/ack')) {
      const { acks } = JSON.parse(request.body) as { acks: number[] };
      return says(200, { acks: Object.fromEntries(acks.map((id) => [id, this.isIndexing])) });
    }
    const planned = this.answers.shift();
    if (planned !== undefined) return planned;
    const lines = request.body.split('\n').filter((line) => line !== '');
    this.events.push(...lines.map((line) => JSON.parse(line) as HecEvent));
    const ackId = this.#acks++;
    return says(200, { text: 'Success', code: 0, ...(this.withAcks ? { ackId } : {}) });
  }
}

function says(status: number, body: unknown): ReceiverAnswer {
  return { status, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}
