import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PolicyPayload } from '@raypher/shared';
import { type FakeUpstream, startFakeUpstream } from '@raypher/testkit';
import OpenAI from 'openai';
import pino from 'pino';
import { askService } from '../cli/control-client.ts';
import { type Config, DEFAULT_CONFIG } from '../config/config.ts';
import { enroll } from '../identity/enroll.ts';
import { saveEnrolment } from '../identity/enrolment.ts';
import { openKeys } from '../identity/open-keys.ts';
import type { ControlRequest } from '../service/control-protocol.ts';
import { joinOrganisation } from '../service/membership.ts';
import { type AgentPaths, agentPaths } from '../service/paths.ts';
import { type RunningService, startService } from '../service/service.ts';
import { ServiceStatus } from '../service/service-status.ts';
import { TestControlPlane } from './test-control-plane.ts';

/** The whole agent in this process, with a control plane and an upstream of its own. */
export class TestService {
  readonly plane: TestControlPlane;
  readonly upstream: FakeUpstream;
  readonly paths: AgentPaths;
  config: Config;
  running: RunningService | undefined;

  private constructor(plane: TestControlPlane, upstream: FakeUpstream) {
    this.plane = plane;
    this.upstream = upstream;
    this.config = {
      ...DEFAULT_CONFIG,
      dataDir: mkdtempSync(join(tmpdir(), 'raypher-service-')),
      proxyPort: 0,
      proxyConnectTo: { 'api.openai.com': upstream.url, 'api.deepseek.com': upstream.url },
      inventoryIntervalMs: 200,
      // A TPM of this machine is left alone; a test that wants one names it, with 'tpm', before it enrols.
      identityKey: 'software',
      // The kernel of this machine is left alone; tests of the guard use folders of their own.
      guardMode: 'off',
      logLevel: 'silent',
    };
    this.paths = agentPaths(this.config.dataDir);
  }

  static async prepare(): Promise<TestService> {
    return new TestService(await TestControlPlane.start(), await startFakeUpstream());
  }

  async enrol(): Promise<void> {
    const keys = await openKeys(this.paths, this.config);
    const enrolment = await enroll(this.plane.server, this.plane.token, keys);
    saveEnrolment(this.paths.enrolment, enrolment);
    joinOrganisation(this.paths, enrolment, keys);
    keys.close();
  }

  async start(): Promise<RunningService> {
    this.running = await startService(this.config, pino({ level: 'silent' }));
    return this.running;
  }

  async restart(): Promise<void> {
    await this.running?.stop();
    await this.start();
  }

  /** Enrols, starts, and waits until the control plane was greeted. */
  async join(): Promise<void> {
    await this.enrol();
    const greeted = this.plane.hello();
    await this.start();
    await greeted;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    await this.upstream.stop();
    await this.plane.stop();
  }

  ask(request: ControlRequest): Promise<unknown> {
    return askService(this.paths.control, request);
  }

  async status(): Promise<ServiceStatus> {
    return ServiceStatus.parse(await this.ask({ verb: 'status' }));
  }

  /** The newest entries of this machine's ledger. */
  async logs(): Promise<unknown[]> {
    const entries: unknown[] = [];
    await askService(this.paths.control, { verb: 'logs', lines: 100, follow: false }, (entry) =>
      entries.push(entry),
    );
    return entries;
  }

  /** Calls a model through the proxy. @returns the status that the client saw; 0 when it saw none */
  chat(provider: string): Promise<number> {
    const client = new OpenAI({
      baseURL: `http://127.0.0.1:${this.running?.proxyPort()}/${provider}/v1`,
      apiKey: 'any',
      maxRetries: 0,
    });
    return client.chat.completions
      .create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hello' }] })
      .then(() => 200)
      .catch((error: unknown) => (error instanceof OpenAI.APIError ? Number(error.status) : 0));
  }

  /** A policy of one global document. */
  policy(revision: number, mode: 'enforce' | 'monitor', rules: string): PolicyPayload {
    const source = `apiVersion: raypher/v1\nmode: ${mode}\nnetwork: { default: allow, rules: ${rules} }\n`;
    return {
      kind: 'policy',
      organisation: this.plane.organisation,
      revision,
      issuedAt: new Date().toISOString(),
      documents: [{ layer: 'global', source }],
    };
  }
}
