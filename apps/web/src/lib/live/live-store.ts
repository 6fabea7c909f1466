import type { LiveMessages, LiveRequests } from '@raypher/shared/rest';
import type { Socket } from 'socket.io-client';
import type { Connection } from './connection-state.ts';

export type LiveSocket = Socket<LiveMessages, LiveRequests>;
type Listener<K extends keyof LiveMessages> = LiveMessages[K];

const RETRY_AFTER_REFUSAL_MS = 3_000;

/** The one live connection of this page: its state for the indicator, its messages for whoever shows them. */
export class LiveStore {
  #connection: Connection = { kind: 'connecting', since: Date.now() };
  #listeners = new Set<() => void>();
  #connected = new Set<() => void>();
  #reconnected = new Set<() => void>();
  #refused = new Set<() => void>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly socket: LiveSocket;

  constructor(socket: LiveSocket) {
    this.socket = socket;
    let before = false;
    socket.on('connect', () => {
      this.#set({ kind: 'connected', since: Date.now() });
      // Whatever happened before was not delivered, also between the first answers and the first connection.
      for (const listener of this.#connected) listener();
      if (before) for (const listener of this.#reconnected) listener();
      before = true;
    });
    socket.on('disconnect', () => this.#lost());
    socket.on('connect_error', () => this.#lost());
  }

  /** Stops trying, for good. */
  close(): void {
    clearTimeout(this.#retry);
    this.socket.disconnect();
  }

  #lost(): void {
    if (this.#connection.kind === 'connected') this.#set({ kind: 'reconnecting', since: Date.now() });
    // socket.io tries again by itself, except when the server showed this socket out: then the session
    // ended or its rights changed, and whoever listens finds out which.
    if (this.socket.active) return;
    for (const listener of this.#refused) listener();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.socket.connect(), RETRY_AFTER_REFUSAL_MS);
  }

  #set(connection: Connection): void {
    this.#connection = connection;
    for (const listener of this.#listeners) listener();
  }

  readonly connection = (): Connection => this.#connection;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls back each time there is a connection, the first time too; returns the undo. */
  onConnect(listener: () => void): () => void {
    this.#connected.add(listener);
    return () => this.#connected.delete(listener);
  }

  /** Calls back after the connection came back; returns the undo. */
  onReconnect(listener: () => void): () => void {
    this.#reconnected.add(listener);
    return () => this.#reconnected.delete(listener);
  }

  /** Calls back when the server showed this browser out; returns the undo. */
  onRefused(listener: () => void): () => void {
    this.#refused.add(listener);
    return () => this.#refused.delete(listener);
  }

  /** Listens to one kind of message; returns the undo. */
  on<K extends keyof LiveMessages>(message: K, listener: Listener<K>): () => void {
    // socket.io types its listeners per literal name and cannot follow the generic K; both sides are LiveMessages[K].
    const socket = this.socket as unknown as {
      on(name: K, fn: Listener<K>): void;
      off(name: K, fn: Listener<K>): void;
    };
    socket.on(message, listener);
    return () => socket.off(message, listener);
  }
}
