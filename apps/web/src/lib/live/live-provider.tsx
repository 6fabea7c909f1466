'use client';

import type { LiveMessages } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { io } from 'socket.io-client';
import { applyLiveToCache } from './apply-live.ts';
import type { Connection } from './connection-state.ts';
import { type LiveSocket, LiveStore } from './live-store.ts';

const LiveContext = createContext<LiveStore | null>(null);
const CONNECTING: Connection = { kind: 'connecting', since: 0 };

/** Opens the live connection for the signed-in pages and keeps the query cache up to date from it. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [store, setStore] = useState<LiveStore | null>(null);

  useEffect(() => {
    const socket: LiveSocket = io('/live', {
      transports: ['websocket', 'polling'],
      reconnectionDelay: 500,
      reconnectionDelayMax: 5_000,
      randomizationFactor: 0.5,
    });
    const created = new LiveStore(socket);
    const undo = applyLiveToCache(created, client);
    setStore(created);
    return () => {
      undo();
      created.close();
    };
  }, [client]);

  return <LiveContext value={store}>{children}</LiveContext>;
}

/** The state of the live connection. */
export function useConnection(): Connection {
  const store = useContext(LiveContext);
  return useSyncExternalStore(
    store?.subscribe ?? neverChanges,
    () => store?.connection() ?? CONNECTING,
    () => CONNECTING,
  );
}

function neverChanges(): () => void {
  return () => undefined;
}

/** Calls `listener` for each message of this kind while the component is on screen. */
export function useLive<K extends keyof LiveMessages>(message: K, listener: LiveMessages[K]): void {
  const store = useContext(LiveContext);
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => {
    if (store === null) return undefined;
    // A listener takes exactly one message; the indirection keeps one subscription across renders.
    const call = (payload: Parameters<LiveMessages[K]>[0]) =>
      (latest.current as (payload: unknown) => void)(payload);
    return store.on(message, call as LiveMessages[K]);
  }, [store, message]);
}

/** While mounted, asks this device to report every 5 seconds. */
export function useWatchDevice(deviceId: string): void {
  const store = useContext(LiveContext);
  useEffect(() => {
    if (store === null) return undefined;
    const ask = () => store.socket.emit('watch', { deviceId });
    ask();
    const undo = store.onReconnect(ask);
    return () => {
      undo();
      store.socket.emit('unwatch', { deviceId });
    };
  }, [store, deviceId]);
}

/** While mounted, asks devices to tell their live connections: all of them, of one device, of one AI agent. */
export function useWatchConnections(deviceId: string, agentId: string): void {
  const store = useContext(LiveContext);
  useEffect(() => {
    if (store === null) return undefined;
    const request = {
      ...(deviceId === '' ? {} : { deviceId }),
      ...(agentId === '' ? {} : { agentId }),
    };
    const ask = () => store.socket.emit('watchConnections', request);
    ask();
    return store.onReconnect(ask);
  }, [store, deviceId, agentId]);
  useEffect(() => {
    if (store === null) return undefined;
    return () => {
      store.socket.emit('unwatchConnections');
    };
  }, [store]);
}

/** Calls `listener` each time the live connection came back: what happened meanwhile was not delivered. */
export function useReconnect(listener: () => void): void {
  const store = useContext(LiveContext);
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => store?.onReconnect(() => latest.current()), [store]);
}
