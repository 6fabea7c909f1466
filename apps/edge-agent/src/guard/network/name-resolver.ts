import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { RequestingAgent } from '@raypher/policy';
import { descriptorOf } from '../../native/socket-descriptor.ts';
import type { PolicyInForce } from '../../proxy/proxy-context.ts';
import {
  addressesIn,
  cutAnswer,
  datagramBytes,
  ownAnswer,
  type Question,
  RCODES,
  readQuestion,
  TYPES,
} from './dns-message.ts';
import { judgeName, type NameJudgement } from './judge-name.ts';
import type { Original } from './kernel-layout.ts';
import type { NameMemory } from './name-memory.ts';
import { framed, messagesOf, type UpstreamServers } from './upstream-servers.ts';

export interface NameResolverOptions {
  /** Who asked over UDP; undefined when the kernel did not lead the question here. */
  readonly asker: (address: string, port: number) => Original | undefined;
  readonly agentOf: (asker: Original) => Promise<RequestingAgent | null | undefined>;
  readonly policy: Pick<PolicyInForce, 'decide' | 'mayConnect'>;
  readonly upstream: Pick<UpstreamServers, 'ask'>;
  readonly names: NameMemory;
  /** A name that was refused, or in monitor mode would have been. */
  readonly judged: (asker: Original, question: Question, judgement: NameJudgement) => void;
  /** Something of our own failed while a question was answered. */
  readonly failed: (error: unknown) => void;
}

const ADDRESSES = { dns4: '127.0.0.1', dns6: '::1' } as const;
type Name = keyof typeof ADDRESSES;

/** A question longer than this says more than a question. */
const MAX_QUESTION_BYTES = 512;
/** Questions of one group: at once, and each second. A tunnel needs thousands. */
const BURST = 400;
const PER_SECOND = 50;
const MAX_UNANSWERED = 512;
const IDLE_MS = 10_000;
/** Tells browsers that names are filtered here, so that they do not go past it over HTTPS. */
const NO_DNS_OVER_HTTPS = 'use-application-dns.net';

/**
 * Looks names up for AI agents, at the servers of the system. What no rule could permit a connection to is refused and
 * not sent anywhere: names are a way to get data out.
 */
export class NameResolver {
  readonly #options: NameResolverOptions;
  readonly #sockets = new Map<Name, DatagramSocket>();
  readonly #budgets = new Map<bigint, { left: number; at: number }>();
  #unanswered = 0;

  private constructor(options: NameResolverOptions) {
    this.#options = options;
  }

  /** Listens on free ports of the loopback, of IPv6 where there is one. */
  static async start(options: NameResolverOptions): Promise<NameResolver> {
    const resolver = new NameResolver(options);
    for (const name of ['dns4', 'dns6'] as const) {
      const socket = name === 'dns4' ? createSocket('udp4') : createSocket({ type: 'udp6', ipv6Only: true });
      socket.on('message', (message, { address, port }) => {
        void resolver.#answerDatagram(socket, message, address, port);
      });
      socket.bind(0, ADDRESSES[name]);
      try {
        await once(socket, 'listening');
        // What cannot be sent back is the asker's loss.
        socket.on('error', options.failed);
        resolver.#sockets.set(name, socket);
      } catch (error) {
        socket.close();
        // No IPv6 on this machine.
        if (name === 'dns4') throw error;
      }
    }
    return resolver;
  }

  get ports(): Record<Name, number> {
    const port = (name: Name): number => this.#sockets.get(name)?.address().port ?? 0;
    return { dns4: port('dns4'), dns6: port('dns6') };
  }

  /** Of the sockets that listen. */
  get descriptors(): number[] {
    return [...this.#sockets.values()].map(descriptorOf);
  }

  stop(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /** Answers what is asked over a TCP connection that the kernel led here, until its client ends it. */
  async serve(client: Socket, asker: Original): Promise<void> {
    client.setTimeout(IDLE_MS, () => client.destroy());
    try {
      for await (const message of messagesOf(client)) {
        const answer = await this.#answer(message, asker, 'tcp');
        if (answer === undefined) break;
        client.write(framed(answer.bytes));
      }
    } catch {
      // The client has gone.
    } finally {
      client.destroySoon();
    }
  }

  async #answerDatagram(
    socket: DatagramSocket,
    message: Buffer,
    address: string,
    port: number,
  ): Promise<void> {
    // Nobody else's questions, and no more than can be answered.
    const asker = this.#options.asker(address, port);
    if (asker === undefined || this.#unanswered >= MAX_UNANSWERED) return;
    this.#unanswered += 1;
    try {
      const answer = await this.#answer(message, asker, 'udp');
      if (answer === undefined || !this.#isOpen(socket)) return;
      const { bytes, question } = answer;
      const fits = bytes.length <= datagramBytes(question);
      socket.send(fits ? bytes : cutAnswer(bytes, question), port, address);
    } catch (error) {
      this.#options.failed(error);
    } finally {
      this.#unanswered -= 1;
    }
  }

  #isOpen(socket: DatagramSocket): boolean {
    return [...this.#sockets.values()].includes(socket);
  }

  /** @returns undefined for what is no question, which is not answered */
  async #answer(
    message: Buffer,
    asker: Original,
    transport: 'udp' | 'tcp',
  ): Promise<{ bytes: Buffer; question: Question } | undefined> {
    const question = message.length > MAX_QUESTION_BYTES ? undefined : readQuestion(message);
    if (question === undefined) return undefined;
    return { bytes: await this.#answerQuestion(question, asker, transport), question };
  }

  async #answerQuestion(question: Question, asker: Original, transport: 'udp' | 'tcp'): Promise<Buffer> {
    const { policy, upstream, names, judged, agentOf } = this.#options;
    const { name, type } = question;
    if (name === NO_DNS_OVER_HTTPS) return ownAnswer(question, RCODES.nameError);
    if (!this.#isWithinBudget(asker.group)) return ownAnswer(question, RCODES.refused);
    const judgement = judgeName(policy, name, type, await agentOf(asker));
    if (judgement.refused || judgement.wouldBe) judged(asker, question, judgement);
    if (judgement.refused) return ownAnswer(question, RCODES.refused);
    // They tell clients how to hide the name of the server from the proxy, and to use QUIC.
    if (type === TYPES.https || type === TYPES.svcb) return ownAnswer(question, RCODES.noError);
    const answer = await upstream.ask(question, transport);
    if (answer === undefined) return ownAnswer(question, RCODES.serverFailure);
    if (type === TYPES.a || type === TYPES.aaaa) names.remember(asker.group, name, addressesIn(answer));
    return answer;
  }

  #isWithinBudget(group: bigint): boolean {
    const now = performance.now();
    const budget = this.#budgets.get(group) ?? { left: BURST, at: now };
    budget.left = Math.min(BURST, budget.left + ((now - budget.at) * PER_SECOND) / 1000);
    budget.at = now;
    this.#budgets.set(group, budget);
    if (budget.left < 1) return false;
    budget.left -= 1;
    return true;
  }

  forget(group: bigint): void {
    this.#budgets.delete(group);
    this.#options.names.forget(group);
  }
}
