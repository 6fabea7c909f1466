import { createServer } from 'node:net';

/**
 * A TCP port on 127.0.0.1 that nobody listens on at this moment.
 *
 * Another process may take it before the caller does; whoever binds it should be ready to try another one.
 */
export async function freePort(): Promise<number> {
  const { port, letGo } = await holdPort();
  await letGo();
  return port;
}

/** A free TCP port on 127.0.0.1 that nobody else is given before it is let go: until the moment when it is bound. */
export async function holdPort(): Promise<{ port: number; letGo(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The system gave no port number.');
  return {
    port: address.port,
    letGo: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
