import 'reflect-metadata';
import { RaypherError } from '@raypher/shared';
import { readConfig } from './config/config.ts';
import { createApp } from './http/create-app.ts';
import { TlsListener } from './http/tls-listener.ts';
import { LinkServer } from './link/link-server.service.ts';
import { OperationsListener } from './operations/operations-listener.ts';

try {
  const config = readConfig(process.env);
  const app = await createApp(config);
  await app.listen(config.httpPort, '127.0.0.1');
  await app.get(OperationsListener).listen();
  await (config.role === 'api' ? app.get(TlsListener) : app.get(LinkServer)).listen();
} catch (error) {
  if (!(error instanceof RaypherError)) throw error;
  console.error(error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
  process.exit(error.exitCode);
}
