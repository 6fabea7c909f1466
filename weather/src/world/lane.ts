import type { Socket } from 'node:net';

/** Bytes that may be under way before their sender is held up. */
const MAX_UNDER_WAY = 1 << 20;

interface Parcel {
  dueMs: number;
  /** Missing: the sender has closed. */
  bytes: Buffer | undefined;
}

/** One direction of a connection: what goes in comes out in order, as late as it is told, or never. */
export class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: () => number;
  readonly #isLost: () => boolean;
  readonly #parcels: Parcel[] = [];
  #underWay = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, delayMs: () => number, isLost: () => boolean) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
    this.#isLost = isLost;
    from.on('data', (bytes: Buffer) => this.#send(bytes));
    from.once('close', () => this.#send(undefined));
    to.on('drain', () => from.resume());
  }

  #send(bytes: Buffer | undefined): void {
    if (this.#isLost()) return;
    this.#parcels.push({ bytes, dueMs: performance.now() + this.#delayMs() });
    this.#underWay += bytes?.length ?? 0;
    if (this.#underWay > MAX_UNDER_WAY) this.#from.pause();
    if (this.#timer === undefined) this.#deliver();
  }

  #deliver(): void {
    this.#timer = undefined;
    for (let [parcel] = this.#parcels; parcel !== undefined; [parcel] = this.#parcels) {
      const waitMs = parcel.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#deliver(), waitMs);
        return;
      }
      this.#parcels.shift();
      this.#hand(parcel.bytes);
    }
  }

  #hand(bytes: Buffer | undefined): void {
    this.#underWay -= bytes?.length ?? 0;
    if (this.#isLost()) return;
    if (bytes === undefined) this.#to.destroy();
    else if (!this.#to.write(bytes)) this.#from.pause();
    else if (this.#from.isPaused() && this.#underWay < MAX_UNDER_WAY) this.#from.resume();
  }
}
