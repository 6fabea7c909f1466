// The dashboard's server: `node server.mjs`, after `npm run build`.
//
//   PORT                     default 3000
//   HOST                     default 127.0.0.1
//   RAYPHER_API_ORIGIN       where the API listens, default http://127.0.0.1:4000
//   RAYPHER_WEB_ORIGIN       what browsers type; https here turns HSTS on
//   RAYPHER_TRUST_PROXY=1    keep x-forwarded-* of a balancer in front
//   RAYPHER_WEB_DEV=1        serve from sources, with reload
import { fileURLToPath } from 'node:url';
import next from 'next';
import { createWebServer } from './src/server/serve.ts';

process.env.NEXT_TELEMETRY_DISABLED = '1';
const development = process.env.RAYPHER_WEB_DEV === '1';
const port = Number(process.env.PORT ?? 3000);
const hostname = process.env.HOST ?? '127.0.0.1';
const apiOrigin = process.env.RAYPHER_API_ORIGIN ?? 'http://127.0.0.1:4000';
process.env.RAYPHER_API_ORIGIN = apiOrigin;

const app = next({ dev: development, dir: fileURLToPath(new URL('.', import.meta.url)), hostname, port });
await app.prepare();
const handle = app.getRequestHandler();
const upgrade = development ? app.getUpgradeHandler() : undefined;

const { server, stop } = createWebServer({
  apiOrigin,
  https: (process.env.RAYPHER_WEB_ORIGIN ?? '').startsWith('https:'),
  trustForwarded: process.env.RAYPHER_TRUST_PROXY === '1',
  development,
  pages: (request, response) => handle(request, response),
  ...(upgrade === undefined
    ? {}
    : { pageUpgrade: (request, socket, head) => upgrade(request, socket, head) }),
});

server.on('error', (error) => {
  console.error(`the dashboard cannot listen on ${hostname}:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, hostname, () => console.log(`dashboard on http://${hostname}:${port}`));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await stop();
    await app.close();
    process.exit(0);
  });
}
