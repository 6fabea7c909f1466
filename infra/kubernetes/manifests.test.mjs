import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig } from '../../apps/ingestor/dist/config/config.js';
import { composeConfig } from '../docker/testing/compose-config.mjs';
import { findOnPath } from '../local/bootstrap/prerequisites.mjs';
import { checkSchema } from './testing/check-schema.mjs';
import { KUBERNETES, readManifests } from './testing/manifests.mjs';

const run = promisify(execFile);
const ROOT = join(KUBERNETES, '../..');

/** @typedef {import('./testing/manifests.mjs').Manifest} Manifest */

/** @type {Manifest[]} */
let base;
/** @type {Manifest[]} */
let monitoring;
/** @type {string} */
let folder;

beforeAll(async () => {
  base = await readManifests('base');
  monitoring = await readManifests('monitoring');
  folder = await mkdtemp(join(tmpdir(), 'raypher-manifests-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** @param {string} kind @param {string} name */
function find(kind, name) {
  const found = base.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return structuredClone(found);
}
const workloads = () => base.filter(({ kind }) => kind === 'Deployment' || kind === 'Job');
const podOf = (/** @type {Manifest} */ { spec }) => spec.template.spec;
const containersOf = (/** @type {Manifest} */ workload) => [
  ...(podOf(workload).initContainers ?? []),
  ...podOf(workload).containers,
];

/** The variables a container gets. @param {any} container @returns {Record<string, string>} */
function environmentOf(container) {
  const settings = find('ConfigMap', 'raypher-settings').data ?? {};
  const own = (container.env ?? []).map((/** @type {any} */ { name, value, valueFrom }) => [
    name,
    value ?? settings[valueFrom.configMapKeyRef.key],
  ]);
  return { ...(container.envFrom === undefined ? {} : settings), ...Object.fromEntries(own) };
}

/** Reads them as the program would; files hold something that will do. @param {Record<string, string>} environment */
async function configOf(environment) {
  const file = join(folder, 'secret');
  await writeFile(file, 'ab'.repeat(32));
  const onDisk = Object.entries(environment).map(([name, value]) => [
    name,
    name.endsWith('_FILE') ? file : value,
  ]);
  return readConfig(Object.fromEntries(onDisk));
}

describe('the manifests', () => {
  it('are what the schemas of Kubernetes and the Prometheus operator allow', async () => {
    expect(await checkSchema([...base, ...monitoring])).toEqual([]);
  });

  it('are refused with a misspelt field, a missing one, a wrong type or an unknown value', async () => {
    /** @type {[string, string, (manifest: any) => void, RegExp][]} */
    const mistakes = [
      [
        'Deployment',
        'raypher-link',
        ({ spec }) => (spec.template.spec.containers[0].readynessProbe = {}),
        /readynessProbe/,
      ],
      [
        'Deployment',
        'raypher-api',
        ({ spec }) => (spec.template.spec.containers[1].securityContext.runAsNonRot = true),
        /runAsNonRot/,
      ],
      ['NetworkPolicy', 'link', ({ spec }) => (spec.ingress[0].port = 1), /port/],
      ['Job', 'raypher-migrations', ({ spec }) => delete spec.template, /template/],
      ['Deployment', 'raypher-api', ({ spec }) => (spec.replicas = '2'), /replicas/],
      ['Service', 'raypher-link', ({ spec }) => (spec.ports[0].port = 'link'), /port/],
      ['HorizontalPodAutoscaler', 'raypher-link', ({ spec }) => delete spec.maxReplicas, /maxReplicas/],
    ];
    for (const [kind, name, spoil, names] of mistakes) {
      const manifest = find(kind, name);
      spoil(manifest);
      expect((await checkSchema([manifest])).join('\n'), `${kind} ${name} ${names}`).toMatch(names);
    }
  });

  it.each(['base', 'monitoring'])('of %s are all in its kustomization', async (name) => {
    const { resources } = parse(await readFile(join(KUBERNETES, name, 'kustomization.yaml'), 'utf8'));
    const files = await readdir(join(KUBERNETES, name));
    const others = ['kustomization.yaml', 'prometheus-adapter.yaml'];
    expect(resources.toSorted()).toEqual(files.filter((file) => !others.includes(file)).toSorted());
  });

  it('are built by kustomize, where kubectl is installed', async ({ skip }) => {
    if (findOnPath('kubectl') === undefined) skip('unavailable: kubectl is not on PATH');
    for (const [name, manifests] of /** @type {const} */ ([
      ['base', base],
      ['monitoring', monitoring],
    ])) {
      const { stdout } = await run('kubectl', ['kustomize', join(KUBERNETES, name)]);
      const built = parseAllDocuments(stdout).map((document) => document.toJS());
      expect(built.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual(
        manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort(),
      );
    }
  });
});

describe('the settings', () => {
  it('are complete: every program of ours reads its own', async () => {
    for (const [workload, container, role] of [
      ['raypher-api', 'api', 'api'],
      ['raypher-link', 'link', 'link'],
    ]) {
      const found = containersOf(find('Deployment', workload ?? '')).find(({ name }) => name === container);
      expect(await configOf(environmentOf(found)), container).toMatchObject({ role, operationsPort: 9464 });
    }
    const setup = containersOf(find('Job', 'raypher-migrations')).find(({ name }) => name === 'setup');
    expect(await configOf(environmentOf(setup))).toMatchObject({ role: 'api' });
    const { services } = await composeConfig();
    for (const role of ['api', 'link', 'setup']) {
      const environment = services[role]?.environment ?? {};
      expect(await configOf(environment), role).toMatchObject({ role: role === 'link' ? 'link' : 'api' });
    }
  });

  it('would not be complete without any one of those that have no default', async () => {
    const link = environmentOf(containersOf(find('Deployment', 'raypher-link'))[0]);
    for (const name of Object.keys(link).filter((each) => /_FILE$|PORT$|PKI_DIR$/.test(each))) {
      if (name === 'RAYPHER_OPERATIONS_PORT') continue;
      const { [name]: _, ...without } = link;
      await expect(configOf(without), name).rejects.toThrow(name);
    }
  });

  it('exist: no variable is named that no program reads', async () => {
    const sources = [
      'apps/ingestor/src/config/config.ts',
      'apps/ingestor/src/tenancy/prepare-database.ts',
      'apps/ingestor/src/setup.ts',
      'apps/web/server.mjs',
    ];
    const read = (await Promise.all(sources.map((file) => readFile(join(ROOT, file), 'utf8')))).join('\n');
    const known = new Set(read.match(/\bRAYPHER_[A-Z_]+\b/g));
    const { services } = await composeConfig();
    const named = [
      ...workloads().flatMap((workload) =>
        containersOf(workload).flatMap((each) => Object.keys(environmentOf(each))),
      ),
      ...Object.values(services).flatMap(({ environment = {} }) => Object.keys(environment)),
    ].filter((name) => name.startsWith('RAYPHER_'));
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('the pods', () => {
  it('run without root, privileges, a file system to write to or an account of the cluster', () => {
    for (const workload of workloads()) {
      expect(podOf(workload), workload.metadata.name).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 10_001,
          seccompProfile: { type: 'RuntimeDefault' },
        },
      });
      expect(podOf(workload)).not.toHaveProperty('hostNetwork');
      for (const { name, securityContext, resources } of containersOf(workload)) {
        expect(securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect([resources.requests.cpu, resources.requests.memory, resources.limits.memory]).not.toContain(
          undefined,
        );
      }
    }
  });

  it('get only the secrets they need: the link no key, the programs that serve requests no owner of the schema', () => {
    /** @param {Manifest} workload @param {string} container */
    const secretsOf = (workload, container) => {
      const mounted = containersOf(workload).find(({ name }) => name === container).volumeMounts;
      const names = new Set(mounted.map((/** @type {any} */ { name }) => name));
      return podOf(workload)
        .volumes.filter((/** @type {any} */ { name, secret }) => names.has(name) && secret !== undefined)
        .map((/** @type {any} */ { secret }) => secret.secretName);
    };
    expect(secretsOf(find('Deployment', 'raypher-link'), 'link')).toEqual(['raypher-link']);
    expect(secretsOf(find('Deployment', 'raypher-api'), 'api')).toEqual(['raypher-api']);
    expect(secretsOf(find('Deployment', 'raypher-api'), 'web')).toEqual([]);
    expect(secretsOf(find('Job', 'raypher-migrations'), 'migrate')).toEqual(['raypher-migrations']);
    expect(base.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  it('are neither restarted nor taken out for a database that is away, and get no devices while they stop', () => {
    for (const name of ['raypher-api', 'raypher-link']) {
      const [container] = containersOf(find('Deployment', name));
      expect(container.livenessProbe.httpGet.path).toBe('/healthz');
      expect(container.readinessProbe.httpGet.path).toBe('/servez');
      expect(container.lifecycle.preStop.sleep.seconds).toBe(5);
    }
    // A statement may take 20 s (database/ingest-database.ts); the farewell of the link takes two more at most.
    expect(podOf(find('Deployment', 'raypher-link')).terminationGracePeriodSeconds).toBeGreaterThan(
      5 + 20 + 2,
    );
  });
});

describe('what belongs together', () => {
  it('has the same labels: services, disruption budgets, spreading', () => {
    const pods = base
      .filter(({ kind }) => kind === 'Deployment')
      .map(({ spec }) => spec.template.metadata.labels);
    const selectors = base.flatMap(({ kind, spec }) => {
      if (kind === 'Service') return [spec.selector];
      if (kind === 'PodDisruptionBudget') return [spec.selector.matchLabels];
      if (kind !== 'Deployment') return [];
      const spread = spec.template.spec.topologySpreadConstraints;
      return [
        spec.selector.matchLabels,
        ...spread.map((/** @type {any} */ each) => each.labelSelector.matchLabels),
      ];
    });
    expect(selectors.length).toBe(11);
    for (const selector of selectors) expect(pods).toContainEqual(expect.objectContaining(selector));
  });

  it('has ports that exist: services, and the network policies that let people and devices in', () => {
    for (const { spec } of base.filter(({ kind }) => kind === 'Service')) {
      const pods = base.filter(
        ({ kind, spec: other }) =>
          kind === 'Deployment' &&
          other.template.metadata.labels['app.kubernetes.io/component'] ===
            spec.selector['app.kubernetes.io/component'],
      );
      const ports = pods.flatMap((pod) => containersOf(pod).flatMap((each) => each.ports));
      for (const { targetPort } of spec.ports) expect(ports.map(({ name }) => name)).toContain(targetPort);
    }
    const open = (/** @type {string} */ name) =>
      find('NetworkPolicy', name).spec.ingress.flatMap((/** @type {any} */ rule) =>
        rule.ports.map((/** @type {any} */ each) => each.port),
      );
    expect([open('api'), open('link'), open('monitoring')]).toEqual([[4300, 8443], [8444], [9464]]);
  });

  it('lets nothing in or out that is not named', () => {
    expect(find('NetworkPolicy', 'default-deny').spec).toEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  it('scales by a metric that the link has, and that the adapter knows', async () => {
    const { metrics, scaleTargetRef } = find('HorizontalPodAutoscaler', 'raypher-link').spec;
    expect(find('Deployment', scaleTargetRef.name).spec).not.toHaveProperty('replicas');
    const [{ pods }] = metrics;
    const adapter = await readFile(join(KUBERNETES, 'monitoring/prometheus-adapter.yaml'), 'utf8');
    expect(adapter).toContain(`${pods.metric.name}{`);
    expect(await readFile(join(ROOT, 'apps/ingestor/src/metrics/metrics.service.ts'), 'utf8')).toContain(
      `'${pods.metric.name}'`,
    );
  });
});
