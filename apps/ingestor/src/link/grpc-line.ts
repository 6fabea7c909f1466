import { Metadata } from '@grpc/grpc-js';
import type { RaypherError } from '@raypher/shared';
import { type Line, type LineOwner, lastWords } from './line.ts';
import type { LinkListener, Peer } from './link-listener.ts';
import type { Inbound, LinkCall } from './wire.ts';

/** One call of the gRPC service. */
export class GrpcLine implements Line {
  readonly transport = 'grpc';

  constructor(
    private readonly call: LinkCall,
    private readonly listener: LinkListener,
  ) {
    call.on('error', () => undefined);
  }

  get connection(): string {
    return this.call.getPeer();
  }

  get isFull(): boolean {
    return this.call.writableNeedDrain;
  }

  peer(): Peer | undefined {
    return this.listener.peer(this.call.getPeer());
  }

  listen(owner: LineOwner): void {
    this.call.on('data', (message: Inbound) => owner.received(message));
    this.call.on('end', () => owner.left(true));
    this.call.on('cancelled', () => owner.left(false));
    this.call.on('close', () => owner.left(false));
    this.call.on('drain', () => owner.drained());
  }

  onClosed(closed: () => void): void {
    this.call.on('close', closed);
  }

  pause(): void {
    this.call.pause();
  }

  resume(): void {
    this.call.resume();
  }

  write(frame: Buffer): void {
    this.call.write(frame);
  }

  finish(): void {
    this.call.end();
  }

  /** The code is in the trailers. */
  refuse(error: RaypherError, retryAfterMs: number | undefined): void {
    const metadata = new Metadata();
    metadata.set('raypher-code', error.code);
    if (retryAfterMs !== undefined) metadata.set('raypher-retry-after-ms', String(retryAfterMs));
    const details = lastWords(error);
    // The library's way to end a stream with a status: what was written before is still delivered.
    this.call.emit('error', Object.assign(new Error(details), { code: error.grpcStatus, details, metadata }));
  }

  hangUp(): void {
    this.peer()?.socket.destroy();
  }
}
