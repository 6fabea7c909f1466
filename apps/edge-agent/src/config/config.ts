import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { normaliseHost } from '@raypher/policy/host';
import { z } from 'zod';
import { isDnsServer } from '../egress/host-resolver.ts';

const Port = z.int().min(0).max(65535);
const Origin = z
  .url({ protocol: /^https?$/ })
  .refine(
    (text) => ['', '/'].includes(new URL(text).pathname),
    'an origin such as http://127.0.0.1:18080, without a path',
  );

/** Prompts are sent there: encrypted, or to this machine. */
const AnalyzerUrl = z.url({ protocol: /^https?$/ }).refine((text) => {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}, 'an https: address, or http: on this machine, such as http://127.0.0.1:5002');

/** The tunnel carries TLS of our own, so plain HTTP to the proxy shows it nothing but where we go. */
const ProxyUrl = z
  .url({ protocol: /^http$/ })
  .refine(
    (text) => ['', '/'].includes(new URL(text).pathname),
    'the address of an HTTP proxy such as http://proxy.example.com:3128',
  );

/** Taken as the rules would write it, so that a host cannot be spelled past it. */
const PassThroughPattern = z
  .string()
  .max(255)
  .transform((text, context) => {
    const suffix = text.startsWith('*.');
    const host = normaliseHost(suffix ? text.slice(2) : text)?.replace(/^\[|\]$/g, '');
    if (host === undefined || (suffix && isIP(host) !== 0)) {
      context.addIssue({ code: 'custom', message: 'a host name, an address, or *. and a suffix' });
      return z.NEVER;
    }
    return suffix ? `*.${host}` : host;
  });

/**
 * The configuration file. Every key is optional; defaults are what {@link DEFAULT_CONFIG} says. The template that is
 * installed is written from what each key says here: `example` is the default, or where there is none, an example.
 */
export const ConfigFile = z.strictObject({
  data_dir: z
    .string()
    .min(1)
    .meta({ description: 'Where the agent keeps its store and identity.', example: '/var/lib/raypher' })
    .optional(),
  proxy: z
    .strictObject({
      port: Port.meta({
        description: 'TCP port on 127.0.0.1 and ::1. 0: any free one.',
        example: 8888,
      }).optional(),
      body_limit_mib: z
        .number()
        .min(0.001)
        .max(1024)
        .meta({
          description: 'Largest request body held in memory to learn its model, in MiB.',
          example: 32,
        })
        .optional(),
      callers: z
        .enum(['any', 'allow-list'])
        .meta({
          description:
            'Who may use the proxy: any program, or only those of the allow list (raypher allow). Sealed keys always need an allowed program.',
          example: 'any',
        })
        .optional(),
      connect_to: z
        .record(z.string().min(1), Origin)
        .meta({
          description:
            'Logical host to another address, for private gateways and test upstreams. Rules see the logical host.',
          example: { 'api.example.com': 'https://gateway.example.com:8443' },
        })
        .optional(),
      dns_servers: z
        .array(z.string().refine(isDnsServer, 'an address such as 192.0.2.53 or 192.0.2.53:5353'))
        .max(8)
        .meta({
          description:
            "DNS servers that the proxy asks for the hosts of requests, as address or address:port. Empty: the system's resolver.",
          example: [],
        })
        .optional(),
    })
    .optional(),
  interception: z
    .strictObject({
      mode: z
        .enum(['on', 'off'])
        .meta({
          description:
            'Whether TLS in tunnels is read, where this machine has a certificate authority. off: tunnels are judged by host only.',
          example: 'on',
        })
        .optional(),
      pass_through: z
        .array(PassThroughPattern)
        .max(1000)
        .meta({
          description:
            'Hosts whose tunnels nobody reads, for programs that accept only certificates of their own: a name, or *.suffix. What goes there is recorded as uninspected.',
          example: [],
        })
        .optional(),
    })
    .optional(),
  dlp: z
    .strictObject({
      recogniser: z
        .enum(['rules', 'off', 'presidio', 'onnx'])
        .meta({
          description:
            'What looks for names, addresses and organisations in what is sent to models, where a rule of the policy names them. What cannot be used is replaced by the rules.',
          example: 'rules',
        })
        .optional(),
      presidio_url: AnalyzerUrl.meta({
        description:
          'Base address of a Presidio Analyzer: https, or http on this machine. Texts of messages are sent there.',
        example: 'http://127.0.0.1:5002',
      }).optional(),
      presidio_timeout_ms: z
        .int()
        .min(1)
        .max(10_000)
        .meta({
          description:
            'Milliseconds that Presidio has for one text; at most four fifths of budget_ms, so that the rules can still answer.',
          example: 200,
        })
        .optional(),
      onnx_model: z
        .string()
        .min(1)
        .meta({
          description:
            'Folder with model.onnx, vocab.txt and config.json; needs the package onnxruntime-node.',
          example: '/var/lib/raypher/ner',
        })
        .optional(),
      budget_ms: z
        .int()
        .min(1)
        .max(10_000)
        .meta({
          description:
            'Milliseconds that a message may wait for it; what was not looked at by then is counted and passes. Without it: 20 for rules, 250 for presidio and onnx.',
          example: 20,
        })
        .optional(),
    })
    .optional(),
  inventory: z
    .strictObject({
      interval_ms: z
        .int()
        .min(100)
        .max(60_000)
        .meta({
          description:
            'Milliseconds between two looks at all processes where the kernel does not tell of those that start and end.',
          example: 750,
        })
        .optional(),
    })
    .optional(),
  policy: z
    .strictObject({
      local_file: z
        .string()
        .min(1)
        .meta({
          description: "This machine's own policy document; it can only tighten what the organisation set.",
          example: '/etc/raypher/policy.yaml',
        })
        .optional(),
    })
    .optional(),
  link: z
    .strictObject({
      proxy: ProxyUrl.meta({
        description:
          'HTTP proxy through which the agent reaches its control plane (CONNECT). Without it: directly, whatever the environment says.',
        example: 'http://proxy.example.com:3128',
      }).optional(),
    })
    .optional(),
  tpm: z
    .strictObject({
      tcti: z
        .string()
        .regex(/^[a-z]+(:|$)/, 'a libtss2 transport such as device:/dev/tpmrm0')
        .meta({
          description:
            "Where the TPM is, as libtss2 names it. Without it: the kernel's resource manager, when there is one.",
          example: 'device:/dev/tpmrm0',
        })
        .optional(),
    })
    .optional(),
  identity: z
    .strictObject({
      key: z
        .enum(['auto', 'tpm', 'software'])
        .meta({
          description:
            'What a new enrolment proves itself with. auto: the TPM where there is one, else a key in a file.',
          example: 'auto',
        })
        .optional(),
    })
    .optional(),
  gate: z
    .strictObject({
      socket: z
        .string()
        .min(1)
        .meta({
          description: 'Unix socket on which programs ask the action gate.',
          example: '/run/raypher/gate.sock',
        })
        .optional(),
      group: z
        .string()
        .min(1)
        .meta({
          description:
            'Group whose members may ask the action gate (socket mode 0660). Without it: the owner of the service alone.',
          example: 'raypher',
        })
        .optional(),
    })
    .optional(),
  vault: z
    .strictObject({
      pcrs: z
        .array(z.int().min(0).max(23))
        .max(24)
        .meta({
          description:
            'PCRs (SHA-256 bank) that must be unchanged for a new vault to open. Empty: any state of this machine.',
          example: [],
        })
        .optional(),
    })
    .optional(),
  guard: z
    .strictObject({
      mode: z
        .enum(['on', 'off'])
        .meta({
          description:
            'Whether the kernel holds AI agents to the rules about files, programs and connections, as far as it can. Needs root.',
          example: 'on',
        })
        .optional(),
      redirect: z
        .enum(['on', 'off'])
        .meta({
          description:
            'Whether connections of AI agents are led to the proxy without any configuration of theirs.',
          example: 'on',
        })
        .optional(),
      adopt: z
        .enum(['on', 'off'])
        .meta({
          description:
            'Whether AI agents that nobody started through `raypher run` are moved to control groups of their own, so that the kernel knows them.',
          example: 'on',
        })
        .optional(),
    })
    .optional(),
  ledger: z
    .strictObject({
      keep_hours: z
        .int()
        .min(1)
        .max(24 * 30)
        .meta({
          description:
            'Hours that entries stay on this device, encrypted, after the control plane has them. Others stay until it has.',
          example: 24,
        })
        .optional(),
    })
    .optional(),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'])
        .meta({ description: 'debug, info, warn, error or silent.', example: 'info' })
        .optional(),
    })
    .optional(),
});
export type ConfigFile = z.infer<typeof ConfigFile>;

export interface Config {
  dataDir: string;
  proxyPort: number;
  proxyBodyLimitBytes: number;
  proxyCallers: 'any' | 'allow-list';
  proxyConnectTo: Record<string, string>;
  /** Empty: the system's resolver. */
  proxyDnsServers: readonly string[];
  interceptionMode: 'on' | 'off';
  /** Canonical: `host` or `*.suffix`. */
  interceptionPassThrough: readonly string[];
  dlpRecogniser: 'rules' | 'off' | 'presidio' | 'onnx';
  dlpPresidioUrl: string | undefined;
  dlpPresidioTimeoutMs: number;
  /** A folder. */
  dlpOnnxModel: string | undefined;
  /** Undefined: as much as what looks needs usually. */
  dlpBudgetMs: number | undefined;
  inventoryIntervalMs: number;
  policyLocalFile: string | undefined;
  /** Undefined: in the data folder, or with a group where its members can reach it. */
  gateSocket: string | undefined;
  gateGroup: string | undefined;
  /** Undefined: the control plane is reached directly. */
  linkProxy: string | undefined;
  /** Undefined: the kernel's resource manager, when there is one. */
  tpmTcti: string | undefined;
  /** For a new enrolment; afterwards what is on disk decides. */
  identityKey: 'auto' | 'tpm' | 'software';
  /** For a new vault; `raypher vault rebind` changes an existing one. */
  vaultPcrs: readonly number[];
  /** How long entries stay after the control plane has them. */
  ledgerKeepHours: number;
  guardMode: 'on' | 'off';
  guardRedirect: 'on' | 'off';
  guardAdopt: 'on' | 'off';
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

export const MIB = 1024 * 1024;

/** Of a service of the system, which root runs. */
export const SYSTEM_DATA_DIR = '/var/lib/raypher';

export const DEFAULT_CONFIG: Config = {
  dataDir: process.getuid?.() === 0 ? SYSTEM_DATA_DIR : join(homedir(), '.local', 'state', 'raypher'),
  proxyPort: 8888,
  proxyBodyLimitBytes: 32 * MIB,
  proxyCallers: 'any',
  proxyConnectTo: {},
  proxyDnsServers: [],
  interceptionMode: 'on',
  interceptionPassThrough: [],
  dlpRecogniser: 'rules',
  dlpPresidioUrl: undefined,
  dlpPresidioTimeoutMs: 200,
  dlpOnnxModel: undefined,
  dlpBudgetMs: undefined,
  inventoryIntervalMs: 750,
  policyLocalFile: undefined,
  gateSocket: undefined,
  gateGroup: undefined,
  linkProxy: undefined,
  tpmTcti: undefined,
  identityKey: 'auto',
  vaultPcrs: [],
  ledgerKeepHours: 24,
  guardMode: 'on',
  guardRedirect: 'on',
  guardAdopt: 'on',
  logLevel: 'info',
};

/** Files read when they exist, weakest first. */
export const CONFIG_FILES: readonly string[] = [
  '/etc/raypher/agent.toml',
  join(homedir(), '.config', 'raypher', 'agent.toml'),
];

/** Lays the keys that a file sets over a configuration. */
export function overlay(config: Config, file: ConfigFile): Config {
  const {
    proxy,
    interception,
    dlp,
    inventory,
    policy,
    gate,
    link,
    tpm,
    identity,
    vault,
    ledger,
    guard,
    log,
  } = file;
  return {
    dataDir: file.data_dir ?? config.dataDir,
    proxyPort: proxy?.port ?? config.proxyPort,
    proxyBodyLimitBytes:
      proxy?.body_limit_mib === undefined
        ? config.proxyBodyLimitBytes
        : Math.round(proxy.body_limit_mib * MIB),
    proxyCallers: proxy?.callers ?? config.proxyCallers,
    proxyConnectTo: { ...config.proxyConnectTo, ...proxy?.connect_to },
    proxyDnsServers: proxy?.dns_servers ?? config.proxyDnsServers,
    interceptionMode: interception?.mode ?? config.interceptionMode,
    interceptionPassThrough: interception?.pass_through ?? config.interceptionPassThrough,
    dlpRecogniser: dlp?.recogniser ?? config.dlpRecogniser,
    dlpPresidioUrl: dlp?.presidio_url ?? config.dlpPresidioUrl,
    dlpPresidioTimeoutMs: dlp?.presidio_timeout_ms ?? config.dlpPresidioTimeoutMs,
    dlpOnnxModel: dlp?.onnx_model ?? config.dlpOnnxModel,
    dlpBudgetMs: dlp?.budget_ms ?? config.dlpBudgetMs,
    inventoryIntervalMs: inventory?.interval_ms ?? config.inventoryIntervalMs,
    policyLocalFile: policy?.local_file ?? config.policyLocalFile,
    gateSocket: gate?.socket ?? config.gateSocket,
    gateGroup: gate?.group ?? config.gateGroup,
    linkProxy: link?.proxy ?? config.linkProxy,
    tpmTcti: tpm?.tcti ?? config.tpmTcti,
    identityKey: identity?.key ?? config.identityKey,
    vaultPcrs: vault?.pcrs ?? config.vaultPcrs,
    ledgerKeepHours: ledger?.keep_hours ?? config.ledgerKeepHours,
    guardMode: guard?.mode ?? config.guardMode,
    guardRedirect: guard?.redirect ?? config.guardRedirect,
    guardAdopt: guard?.adopt ?? config.guardAdopt,
    logLevel: log?.level ?? config.logLevel,
  };
}
