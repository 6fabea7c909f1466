import type { EventEmitter } from 'node:events';
import type { ServiceError } from '@grpc/grpc-js';
import { type LinkTarget, openLink } from '@raypher/link-client';
import {
  type AgentMessage,
  type ControlMessage,
  ERROR_CODES,
  type LinkClient,
  type LinkTransport,
} from '@raypher/shared';

type ControlBody = NonNullable<ControlMessage['body']>;
type BodyOf<Case extends ControlBody['$case']> = Extract<ControlBody, { $case: Case }>['value'];

/** How a stream ended. */
export interface StreamEnd {
  status: number;
  details: string;
  /** `raypher-code` of the trailers. */
  code: string | undefined;
}

/** Resolves with the status of a call; somebody must read the call's data. */
export function endOf(call: EventEmitter): Promise<StreamEnd> {
  return new Promise((resolve) => {
    call.on('error', (error: ServiceError) => {
      const code = String(error.metadata.get('raypher-code')[0] ?? '');
      resolve({ status: error.code, details: error.details, code });
    });
    call.on('end', () => resolve({ status: 0, details: '', code: undefined }));
  });
}

/** What a stream is written to. */
interface TestCall {
  write(message: AgentMessage): unknown;
  end(): unknown;
  cancel(): unknown;
}

/** The device's side of a stream: what arrives is kept until a test asks for it. */
export class TestStream {
  readonly received: ControlBody[] = [];
  private readonly waiting: { name: string; resolve: (body: ControlBody) => void }[] = [];

  private constructor(
    readonly call: TestCall,
    readonly ended: Promise<StreamEnd>,
    private readonly hangUp: () => void,
  ) {}

  static overGrpc(client: LinkClient): TestStream {
    const call = client.connect();
    const stream = new TestStream(call, endOf(call), () => client.close());
    call.on('data', (message: ControlMessage) => stream.take(message));
    return stream;
  }

  /** As the agent does, over any transport. */
  static over(transport: LinkTransport, target: LinkTarget): TestStream {
    const { promise, resolve } = Promise.withResolvers<StreamEnd>();
    const line = openLink(transport, target, {
      message: (message) => stream.take(message),
      ended: ({ reason: details, code }) =>
        resolve({
          status: code === '' ? 0 : ERROR_CODES[code].grpc,
          details,
          code: code === '' ? undefined : code,
        }),
    });
    const call = { write: line.write.bind(line), end: line.leave.bind(line), cancel: line.close.bind(line) };
    const stream = new TestStream(call, promise, () => line.close());
    return stream;
  }

  send(body: NonNullable<AgentMessage['body']>): void {
    this.call.write({ body });
  }

  /** The next message of this kind, which may have arrived already; others stay for later. */
  async next<Case extends ControlBody['$case']>(name: Case): Promise<BodyOf<Case>> {
    const index = this.received.findIndex((body) => body.$case === name);
    if (index >= 0) {
      const [body] = this.received.splice(index, 1);
      // The message was found by its case, so its value is of that case.
      return body?.value as BodyOf<Case>;
    }
    const body = await new Promise<ControlBody>((resolve, reject) => {
      this.waiting.push({ name, resolve });
      void this.ended.then((end) => reject(new Error(`the stream ended: ${JSON.stringify(end)}`)));
    });
    // As above.
    return body.value as BodyOf<Case>;
  }

  /** Waits until everything through this entry is durable. */
  async durable(seq: number): Promise<void> {
    for (;;) {
      const ack = await this.next('eventAck');
      if (ack.durableThroughSeq >= BigInt(seq)) return;
    }
  }

  close(): void {
    this.call.end();
    this.hangUp();
  }

  private take({ body }: ControlMessage): void {
    if (body === undefined) return;
    const index = this.waiting.findIndex((waiter) => waiter.name === body.$case);
    const [waiter] = index >= 0 ? this.waiting.splice(index, 1) : [];
    if (waiter === undefined) this.received.push(body);
    else waiter.resolve(body);
  }
}
