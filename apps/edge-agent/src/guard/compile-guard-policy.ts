import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import {
  type ActingAgent,
  type MachineAction,
  POLICY_LAYERS,
  type PolicyLayer,
  type PolicySnapshot,
  type Residual,
  type ResidualRule,
  residualRules,
} from '@raypher/policy';
import { DEVICE_PATHS } from './device-paths.ts';
import {
  FILE_OPERATIONS,
  type FileOperation,
  type GuardList,
  type GuardPolicy,
  type GuardRule,
  type GuardVerdict,
  type Unexpressed,
} from './guard-policy.ts';

const ACTION_OF: Readonly<Record<FileOperation, MachineAction>> = {
  read: 'file.read',
  write: 'file.write',
  delete: 'file.delete',
  execute: 'process.exec',
};

/**
 * Makes of a policy what a kernel can hold one AI agent to.
 *
 * @returns the rules, and what of the policy no kernel can express: those rules are held by the gate and the proxy
 *   alone
 */
export function compileGuardPolicy(
  snapshot: PolicySnapshot,
  acting: ActingAgent,
): { policy: GuardPolicy; unexpressed: Unexpressed[] } {
  const unexpressed: Unexpressed[] = [];
  const residuals = FILE_OPERATIONS.map((operation) => ({
    operation,
    sections: residualRules(snapshot, ACTION_OF[operation], acting),
  }));
  const devices = residualRules(snapshot, 'device.open', acting);
  const lists = POLICY_LAYERS.flatMap((layer): GuardList[] => {
    const found = residuals.flatMap(({ operation, sections }) =>
      sections.filter((section) => section.layer === layer).map((section) => ({ operation, section })),
    );
    const mode = [...found.map(({ section }) => section), ...devices.filter((one) => one.layer === layer)][0]
      ?.mode;
    if (mode === undefined) return [];
    const ofFiles = found.filter(({ section }) => section.section === 'operational');
    const general = found.filter(({ section }) => section.section !== 'operational');
    const list = mergeOperations(layer, ofFiles, unexpressed);
    return [
      {
        layer,
        mode,
        section: 'operational',
        // Denials that hold for every file come first: the strictest section of a layer decides.
        rules: [
          ...general.flatMap(({ operation, section }) => generalDenial(section, operation)),
          ...deviceDenials(
            devices.filter((one) => one.layer === layer),
            unexpressed,
          ),
          ...list.rules,
        ],
        defaults: list.defaults,
      },
    ];
  });
  const content = { lists, network: snapshot.strictestMode };
  return {
    policy: { digest: sha256Hex(canonicalBytes(content)), revision: snapshot.revision, ...content },
    unexpressed,
  };
}

interface OfOperation {
  readonly operation: FileOperation;
  readonly section: Residual;
}

/** One list for all operations: rules keep their order, and say which operations they are for. */
function mergeOperations(
  layer: PolicyLayer,
  found: readonly OfOperation[],
  unexpressed: Unexpressed[],
): Pick<GuardList, 'rules' | 'defaults'> {
  const merged: { rule: ResidualRule; operations: FileOperation[] }[] = [];
  for (const { operation, section } of found) {
    let at = 0;
    section.rules.forEach((rule, number) => {
      const place = (wanted: ResidualRule): number =>
        merged.findIndex(({ rule: other }, index) => index >= at && isSame(other, wanted));
      const same = place(rule);
      if (same !== -1) {
        merged[same]?.operations.push(operation);
        at = same + 1;
        return;
      }
      // Before the next one that is there already, else last: documents keep their order.
      const next = section.rules
        .slice(number + 1)
        .map(place)
        .find((index) => index !== -1);
      at = next ?? merged.length;
      merged.splice(at, 0, { rule, operations: [operation] });
      at += 1;
    });
  }
  const rules = merged.flatMap(({ rule, operations }): GuardRule[] => {
    if (rule.others.length > 0) {
      unexpressed.push({ layer, rule: rule.id, because: notInKernel(rule) });
      return [];
    }
    return [
      {
        id: rule.id,
        verdict: verdictOf(rule),
        operations,
        paths: rule.paths,
        programs: rule.commands,
        reason: rule.reason,
      },
    ];
  });
  const defaults: Partial<Record<FileOperation, GuardVerdict>> = {};
  for (const { operation, section } of found) {
    if (section.fallback !== undefined) defaults[operation] = verdictOf(section.fallback);
  }
  return { rules, defaults };
}

function isSame(a: ResidualRule, b: ResidualRule): boolean {
  return (
    a.id === b.id &&
    a.outcome === b.outcome &&
    String(a.paths) === String(b.paths) &&
    String(a.commands) === String(b.commands)
  );
}

/** What temporal and trust rules come to is known beforehand: they ask for no thing. */
function generalDenial({ rules, fallback }: Residual, operation: FileOperation): GuardRule[] {
  const rule = rules[0] ?? fallback;
  if (rule === undefined || verdictOf(rule) === 'allow') return [];
  return [
    {
      id: rule.id,
      verdict: 'deny',
      operations: [operation],
      paths: undefined,
      programs: undefined,
      reason: rule.reason,
    },
  ];
}

/**
 * Classes of devices are few: each is decided here, and what a rule denies becomes a rule about its files. The default
 * is not repeated for them, the default of files holds there.
 */
function deviceDenials(sections: readonly Residual[], unexpressed: Unexpressed[]): GuardRule[] {
  return sections.flatMap(({ section, rules, layer }) => {
    if (section !== 'operational') return [];
    const denied = new Map<ResidualRule, string[]>();
    for (const [name, paths] of Object.entries(DEVICE_PATHS)) {
      const rule = rules.find((one) => concernsClass(one, name));
      if (rule !== undefined && verdictOf(rule) === 'deny') {
        denied.set(rule, [...(denied.get(rule) ?? []), ...paths]);
      }
    }
    for (const rule of rules) {
      const because = notADevice(rule);
      if (because !== undefined) unexpressed.push({ layer, rule: rule.id, because });
    }
    return [...denied].map(([{ id, reason }, paths]) => ({
      id,
      verdict: 'deny',
      operations: ['read', 'write'],
      paths: [...new Set(paths)],
      programs: undefined,
      reason,
    }));
  });
}

function notADevice({ deviceClasses = [], others, outcome }: ResidualRule): string | undefined {
  const unknown = deviceClasses.filter((name) => !isKnownClass(name));
  if (unknown.length > 0) return `which files are devices of class ${unknown.join(', ')} is not known`;
  return deviceClasses.length > 0 && others.length > 0 ? notInKernel({ others, outcome }) : undefined;
}

/** A rule about paths is among those of files. */
function concernsClass({ deviceClasses, paths, others }: ResidualRule, name: string): boolean {
  if (others.length > 0 || paths !== undefined) return false;
  return deviceClasses?.some((pattern) => classMatches(pattern, name)) ?? true;
}

function isKnownClass(pattern: string): boolean {
  return Object.keys(DEVICE_PATHS).some((name) => classMatches(pattern, name));
}

/** Class names are short and ours: a pattern with a wildcard is tried as a beginning. */
function classMatches(pattern: string, name: string): boolean {
  const folded = pattern.toLowerCase();
  const star = folded.indexOf('*');
  return star === -1 ? folded === name : name.startsWith(folded.slice(0, star));
}

/** A kernel asks nobody: what a person would have to allow is refused, unless silence allows it. */
function verdictOf({ outcome, onTimeout }: ResidualRule): GuardVerdict {
  if (outcome === 'PROMPT') return onTimeout === 'ALLOW' ? 'allow' : 'deny';
  return outcome === 'DENY' ? 'deny' : 'allow';
}

function notInKernel({ others, outcome }: Pick<ResidualRule, 'others' | 'outcome'>): string {
  const what = `it depends on ${others.join(' and ')}, which a kernel does not see`;
  return outcome === 'ALLOW' ? `${what}; what it allows is decided by the rules after it` : what;
}
