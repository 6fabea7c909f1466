import { createPrivateKey } from 'node:crypto';
import { type ChannelOptions, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import {
  AgentMessage,
  ControlMessage,
  EventBatch,
  type Hello,
  LinkClient,
  LinkService,
} from '@raypher/shared';
import {
  createAiAgents,
  type DeviceIdentity,
  DeviceLedger,
  modelCall,
  SeededRandom,
  SimulatedPolicy,
} from '@raypher/swarm';

const CHANNEL: ChannelOptions = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_channelz': 0,
  'grpc.max_send_message_length': -1,
};

interface Prepared {
  /** An encoded AgentMessage. */
  frame: Buffer;
  lastSeq: number;
  entries: number;
}

/**
 * A device whose batches are made, signed and encoded before they are needed: what is left to do under load is to
 * write bytes to a socket. Entries are those of the swarm's devices.
 */
export class SignedDevice {
  readonly #identity: DeviceIdentity;
  readonly #root: string;
  readonly #ledger: DeviceLedger;
  readonly #random: SeededRandom;
  readonly #agents: ReturnType<typeof createAiAgents>;
  readonly #acked = new Map<number, (atMs: number) => void>();
  #client: LinkClient | undefined;
  #call: ClientDuplexStream<Buffer, ControlMessage> | undefined;
  #ready: Prepared[] = [];
  #durable = 0;
  #credits = 0;
  #welcomed: (() => void) | undefined;
  #credited: (() => void) | undefined;
  #failed: (error: Error) => void = () => undefined;

  constructor(identity: DeviceIdentity, root: string, seed: string) {
    this.#identity = identity;
    this.#root = root;
    this.#random = new SeededRandom(seed);
    this.#agents = createAiAgents(this.#random, identity.device, Date.now());
    const key = createPrivateKey(identity.keyPem);
    this.#ledger = new DeviceLedger({ organisation: identity.organisation, device: identity.device, key });
  }

  /** Batches that wait to be sent. */
  get waiting(): number {
    return this.#ready.length;
  }

  /** @returns bytes of the entries */
  prepare(entries: number): number {
    let bytes = 0;
    const policy = SimulatedPolicy.allowing(1);
    for (let index = 0; index < entries; index += 1) {
      const draft = modelCall(this.#random, this.#random.pick(this.#agents), policy);
      for (const written of this.#ledger.append(draft, new Date())) bytes += written.length;
    }
    for (let batch = this.#ledger.nextBatch(); batch !== undefined; batch = this.#ledger.nextBatch()) {
      const message = AgentMessage.encode({
        body: { $case: 'events', value: EventBatch.fromPartial(batch) },
      });
      const lastSeq = Number(batch.firstSeq) + batch.entries.length - 1;
      this.#ready.push({ frame: Buffer.from(message.finish()), lastSeq, entries: batch.entries.length });
    }
    // The queue of the ledger has a bound that the frames here do not need.
    this.#ledger.acknowledge(this.#ledger.head.seq);
    return bytes;
  }

  /** Opens the stream. @returns once Hello is answered; `failed` hears of its end */
  connect(failed: (error: Error) => void): Promise<void> {
    this.#failed = failed;
    const { link, keyPem, certificate } = this.#identity;
    const secure = credentials.createSsl(
      Buffer.from(this.#root),
      Buffer.from(keyPem),
      Buffer.from(certificate),
    );
    this.#client = new LinkClient(`${link.host}:${link.port}`, secure, CHANNEL);
    const call = this.#client.makeBidiStreamRequest(
      LinkService.connect.path,
      (frame: Buffer) => frame,
      (frame: Buffer) => ControlMessage.decode(frame),
    );
    this.#call = call;
    call.on('data', (message: ControlMessage) => this.#receive(message));
    call.on('error', failed);
    call.on('end', () => failed(new Error('The stream of a device ended.')));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#welcomed = resolve;
    call.write(Buffer.from(AgentMessage.encode({ body: { $case: 'hello', value: this.#hello() } }).finish()));
    return promise;
  }

  /** Sends the next batch when the control plane lets us. @returns milliseconds from sending to its acknowledgement */
  async sendNext(): Promise<{ entries: number; ackMs: number }> {
    const batch = this.#ready.shift();
    if (batch === undefined) throw new Error('There is no batch left.');
    while (this.#credits === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = this.#credited;
      this.#credited = () => {
        before?.();
        resolve();
      };
      await promise;
    }
    this.#credits -= 1;
    const began = performance.now();
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#acked.set(batch.lastSeq, resolve);
    this.#call?.write(batch.frame);
    return { entries: batch.entries, ackMs: (await promise) - began };
  }

  /** Everything that waits, as fast as credits allow. */
  async sendAll(): Promise<void> {
    await Promise.all(Array.from({ length: this.#ready.length }, () => this.sendNext()));
  }

  close(): void {
    this.#failed = () => undefined;
    this.#call?.removeAllListeners('error').on('error', () => undefined);
    this.#call?.removeAllListeners('end');
    this.#call?.cancel();
    this.#client?.close();
  }

  #receive({ body }: ControlMessage): void {
    if (body?.$case === 'eventAck') {
      this.#durable = Number(body.value.durableThroughSeq);
      const now = performance.now();
      for (const [lastSeq, resolve] of this.#acked) {
        if (lastSeq > this.#durable) continue;
        this.#acked.delete(lastSeq);
        resolve(now);
      }
    }
    if (body?.$case === 'credit') {
      this.#credits += body.value.batches;
      const credited = this.#credited;
      this.#credited = undefined;
      credited?.();
      this.#welcomed?.();
    }
    if (body?.$case === 'retry') this.#failed(new Error(`A device was sent away: ${body.value.reason}`));
  }

  #hello(): Hello {
    return {
      deviceId: this.#identity.device,
      bootId: 'bench',
      sessionId: 'bench',
      agentVersion: '0.1.0-bench',
      protocolVersion: 1,
      hostname: this.#identity.hostname,
      os: 'Linux (simulated)',
      kernel: '6.12',
      arch: 'x64',
      capabilities: [],
      posture: [],
      applied: { policy: undefined, freeze: undefined },
      ledgerHead: undefined,
      queueDepth: 0n,
      vaultKey: undefined,
    };
  }
}
