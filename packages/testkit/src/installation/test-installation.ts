import { randomUUID } from 'node:crypto';
import { z } from 'zod';

/** The part of infra/local/stack.mjs that is used here; it is a script, outside of every package. */
interface StackModule {
  startStack(options: {
    agent: boolean;
    web: boolean;
    administrator: { organisation: string; email: string; password: string };
  }): Promise<Stack>;
}

interface Stack {
  dataDir: string;
  urls: { web: string; api: string; enrolment: string };
  process(name: 'link'): { kill(signal: NodeJS.Signals): void; untilUp(): Promise<void> };
  stop(): Promise<void>;
}

/** A control plane as `npm start` starts it, with its databases and without an agent, and its administrator's session. */
export class TestInstallation {
  private constructor(
    /** Name of the organisation, which wide acts are confirmed with. */
    readonly organisation: string,
    private readonly stack: Stack,
    private readonly cookie: string,
  ) {}

  static async start(organisation: string): Promise<TestInstallation> {
    const script = new URL('../../../../infra/local/stack.mjs', import.meta.url).href;
    const { startStack }: StackModule = await import(script);
    const administrator = { organisation, email: 'admin@example.com', password: randomUUID() };
    const stack = await startStack({ agent: false, web: false, administrator });
    try {
      return new TestInstallation(organisation, stack, await signIn(stack, administrator));
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  /** Where devices enrol. */
  get enrolment(): URL {
    return new URL(this.stack.urls.enrolment);
  }

  get dataDir(): string {
    return this.stack.dataDir;
  }

  /** The process that holds the link of every device. */
  get link(): ReturnType<Stack['process']> {
    return this.stack.process('link');
  }

  /** What the administrator asks for. @throws Error for every answer that is not 2xx */
  async send(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const { api, web } = this.stack.urls;
    const response = await fetch(api + path, {
      method,
      headers: { 'content-type': 'application/json', origin: web, cookie: this.cookie },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }

  /** Every page of a list. */
  async readAll<T extends z.ZodType>(
    item: T,
    path: string,
    query: Record<string, string> = {},
  ): Promise<z.infer<T>[]> {
    const Page = z.object({ items: z.array(item), next: z.string().nullable() });
    const items: z.infer<T>[] = [];
    for (let cursor: Record<string, string> = {}; ; ) {
      const search = new URLSearchParams({ ...query, limit: '500', ...cursor });
      const page = Page.parse(await this.send('GET', `${path}?${search}`));
      items.push(...page.items);
      if (page.next === null) return items;
      cursor = { cursor: page.next };
    }
  }

  /** Deploys a policy that enforces one rule. @returns the rollout */
  async deploy(rule: string): Promise<unknown> {
    const Running = z.object({ revision: z.number() });
    const { revision } = Running.parse(await this.send('GET', '/v1/policies/running'));
    const source = `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - id: ${rule}
      effect: deny
      destinations: ['*.example']
      reason: A test.
`;
    return this.send('POST', '/v1/policies/deploy', {
      documents: [{ layer: 'global', source }],
      basedOn: revision,
      reason: 'A test',
      confirm: this.organisation,
    });
  }

  stop(): Promise<void> {
    return this.stack.stop();
  }
}

async function signIn({ urls }: Stack, who: { email: string; password: string }): Promise<string> {
  const response = await fetch(`${urls.api}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: urls.web },
    body: JSON.stringify({ email: who.email, password: who.password }),
  });
  if (!response.ok) throw new Error(`The administrator's sign-in was answered ${response.status}.`);
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
}
