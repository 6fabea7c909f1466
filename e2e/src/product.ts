import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, test as base, expect, type Page } from '@playwright/test';
import { type FakeUpstream, freePort, startFakeUpstream } from '@raypher/testkit';
import { startStack } from '../../infra/local/stack.mjs';
import { LinkRelay } from './link-relay.ts';

export type Stack = Awaited<ReturnType<typeof startStack>>;

/** The product as `npm start` composes it, with this machine enrolled and a fake provider behind the proxy. */
export interface Product {
  stack: Stack;
  upstream: FakeUpstream;
  relay: LinkRelay;
  /** REST, signed in by an API token of the administrator. */
  api: <T>(method: string, path: string, body?: unknown) => Promise<T>;
  organisation: { id: string; name: string };
  device: string;
}

/** Hosts that lead to the fake provider instead of the internet; rules see the host's name. */
const PROVIDER_HOSTS = ['api.openai.com', 'api.anthropic.com', 'api.deepseek.com'];

/** What the agent leaves in force in the kernel when it ends. */
const PINS = '/sys/fs/bpf/raypher';

const ADMINISTRATOR = {
  organisation: 'Northwind Robotics',
  email: 'ada@northwind.example',
  password: ['correct', 'horse', 'battery', 'staple', '1'].join('-'),
};

async function startProduct(): Promise<{ product: Product; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-e2e-'));
  const wasInForce = existsSync(PINS);
  const upstream = await startFakeUpstream();
  const relay = await LinkRelay.listen();
  const config = join(folder, 'agent.toml');
  writeFileSync(
    config,
    `[proxy.connect_to]\n${PROVIDER_HOSTS.map((host) => `"${host}" = "${upstream.url}"\n`).join('')}`,
  );
  const stack = await startStack({
    administrator: ADMINISTRATOR,
    env: {
      // Devices are told the relay's port; the link itself listens on its own.
      api: { RAYPHER_LINK_PORT: String(relay.port) },
      agent: { RAYPHER_CONFIG: config },
    },
    ports: async () => {
      const ports = await freePorts();
      relay.leadTo(ports.link);
      return ports;
    },
  });
  const api = await restClient(stack);
  const me = await api<{ organisation: { id: string; name: string } }>('GET', '/v1/me');
  const devices = await api<{ items: { id: string }[] }>('GET', '/v1/devices');
  const device = devices.items[0]?.id;
  if (device === undefined) throw new Error('this machine is not among the devices');
  return {
    product: { stack, upstream, relay, api, organisation: me.organisation, device },
    stop: async () => {
      await stack.stop();
      await relay.close();
      await upstream.stop();
      if (!wasInForce) rmSync(PINS, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePorts() {
  const names = ['web', 'http', 'linkHttp', 'tls', 'link', 'postgres', 'redis', 'proxy'] as const;
  const taken = new Set<number>();
  while (taken.size < names.length) taken.add(await freePort());
  const list = [...taken];
  return Object.fromEntries(names.map((name, index) => [name, list[index]])) as Record<
    (typeof names)[number],
    number
  >; // as many numbers as names
}

/** Signs in as a person would and works with the session's cookie. */
async function restClient(stack: Stack): Promise<Product['api']> {
  // A connection of its own for each: between tests the server closes those that are idle, maybe at the moment of use.
  const headers = { 'content-type': 'application/json', origin: stack.urls.web, connection: 'close' };
  const { email, password } = ADMINISTRATOR;
  const signIn = await fetch(`${stack.urls.web}/api/auth/sign-in/email`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ email, password }),
  });
  if (!signIn.ok) throw new Error(`sign-in answers ${signIn.status}: ${await signIn.text()}`);
  const cookie = signIn.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
  return async (method, path, body) => {
    const answer = await fetch(`${stack.urls.web}${path}`, {
      method,
      headers: { ...headers, cookie },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
}

export const test = base.extend<
  { console: Page },
  { product: Product; session: Awaited<ReturnType<BrowserContext['cookies']>> }
>({
  product: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's pattern
    async ({}, use) => {
      const { product, stop } = await startProduct();
      await use(product);
      await stop();
    },
    { scope: 'worker', timeout: 300_000 },
  ],
  /** Of somebody who signed in once, as a person does: there is a limit to how often one may. */
  session: [
    async ({ browser, product }, use) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${product.stack.urls.web}/sign-in`);
      await page.getByLabel('Email').fill(ADMINISTRATOR.email);
      await page.getByLabel('Password').fill(ADMINISTRATOR.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
      const cookies = await context.cookies();
      await context.close();
      await use(cookies);
    },
    { scope: 'worker' },
  ],
  /** An empty page of somebody who is signed in; see `openOverview`. */
  console: async ({ page, session }, use) => {
    await page.context().addCookies(session);
    await use(page);
  },
});
export { expect };

/** Where a person begins. */
export async function openOverview(page: Page, { stack }: Product): Promise<void> {
  await page.goto(stack.urls.web);
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
}
