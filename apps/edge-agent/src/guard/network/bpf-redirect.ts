import type { Socket } from 'node:net';
import type { RingBuffer } from '../../native/libbpf.ts';
import { networkNamespaceCookie } from '../../native/socket-descriptor.ts';
import type { Mode, NetworkEvent, Original } from './kernel-layout.ts';
import type { KernelRedirect, ListeningPorts } from './kernel-redirect.ts';
import { NetworkPrograms, type NetworkProgramsPlace } from './network-programs.ts';

/** For so long a sign of life of the agent counts. */
const ALIVE_FOR_NS = 5_000_000_000n;

/** By programs in the kernel, attached to the product's control group. */
export class BpfRedirect implements KernelRedirect {
  readonly name = 'cgroup';
  readonly #programs: NetworkPrograms;
  readonly #ring: RingBuffer;
  readonly #gathered: NetworkEvent[] = [];
  readonly #isInForce: () => void;
  #namespace = 0n;
  #isShown = false;
  #mode: Mode = 'monitor';

  /**
   * @param isInForce called once it holds
   * @throws RaypherError `platform/unsupported` with the reason
   */
  constructor(place: NetworkProgramsPlace, isInForce: () => void) {
    this.#isInForce = isInForce;
    this.#programs = NetworkPrograms.load(place);
    try {
      this.#ring = this.#programs.readEvents((event) => this.#gathered.push(event));
    } catch (error) {
      this.#programs.close();
      throw error;
    }
  }

  original({ remoteAddress, remotePort }: Socket): Original | undefined {
    if (remoteAddress === undefined || remotePort === undefined) return undefined;
    return this.#programs.takeConnection(remoteAddress, remotePort);
  }

  asker(address: string, port: number): Original | undefined {
    return this.#programs.asker(address, port);
  }

  listensOn(descriptors: readonly number[]): void {
    for (const fd of descriptors) this.#programs.markListener(fd);
    const [fd = -1] = descriptors;
    this.#namespace = networkNamespaceCookie(fd);
  }

  show(ports: ListeningPorts, defaultMode: Mode): void {
    const deadline = process.hrtime.bigint() + ALIVE_FOR_NS;
    this.#programs.set({ netns: this.#namespace, deadline, ports, defaultMode });
    this.#mode = defaultMode;
    if (!this.#isShown) this.#isInForce();
    this.#isShown = true;
  }

  pause(): void {
    const ports = { tcp4: 0, tcp6: 0, dns4: 0, dns6: 0 };
    this.#programs.set({ netns: this.#namespace, deadline: 0n, ports, defaultMode: this.#mode });
  }

  setMode(group: bigint, _path: string, mode: Mode): void {
    this.#programs.setMode(group, mode);
  }

  forget(group: bigint): void {
    this.#programs.forget(group);
  }

  groups(): bigint[] {
    return this.#programs.groups();
  }

  readEvents(receive: (event: NetworkEvent) => void): void {
    this.#ring.consume();
    for (const event of this.#gathered.splice(0)) receive(event);
  }

  get lost(): number {
    return this.#programs.lost;
  }

  close(): void {
    this.#ring.close();
    this.#programs.close();
  }
}
