import type { YamlPosition } from './yaml-path.ts';

export interface PolicySnippet {
  label: string;
  /** CodeMirror's: `#{name}` is to be filled in, `#{500}` where the text begins with a digit. */
  template: string;
  description: string;
}

/** A first item of each list, by its path; fields stand ready to be typed over. */
const ITEMS: Record<string, PolicySnippet> = {
  'network.rules': {
    label: 'rule for connections',
    template:
      "id: #{name}\neffect: #{deny}\ndestinations: ['#{*.example.com}']\nreason: #{Why, for the person at the device.}",
    description: 'Denies connections of AI agents to hosts.',
  },
  'operational.rules': {
    label: 'rule for files and commands',
    template:
      "id: #{name}\neffect: #{deny}\nactions: [#{file.read}]\npaths: ['#{~/.ssh/**}']\nreason: #{Why, for the person at the device.}",
    description: 'Denies reading files at a path.',
  },
  'tools.rules': {
    label: 'rule for tools',
    template: "id: #{name}\neffect: #{prompt}\nservers: ['#{production-*}']\ntools: ['#{write_*}']",
    description: 'Asks a person before tools of a server are called.',
  },
  'supply_chain.rules': {
    label: 'rule for packages',
    template:
      'id: #{name}\neffect: #{prompt}\necosystems: [#{npm}]\nwhen: { package.age_days: { lt: #{7} } }',
    description: 'Asks a person about packages that are younger than a week.',
  },
  'dlp.rules': {
    label: 'rule for sensitive data',
    template: 'id: #{name}\neffect: #{redact}\nclasses: [#{credential}]\ndirection: #{out}',
    description: 'Replaces credentials in what leaves the device.',
  },
  'temporal.rules': {
    label: 'rule for times',
    template:
      "id: #{name}\neffect: #{prompt}\nactions: [#{process.exec}]\ntimes: [{ from: '#{22:00}', to: '#{06:00}' }]",
    description: 'Asks a person at night.',
  },
  'trust.rules': {
    label: 'rule for trust',
    template: 'id: #{name}\neffect: #{deny}\nbelow: #{500}\nactions: [#{file.write}]',
    description: 'Denies writing to AI agents that are trusted less.',
  },
  'financial.limits': {
    label: 'limit of spending',
    template: 'id: #{name}\nper: #{month}\nscope: #{team}\namount: #{500}\nwarn_at: #{0.8}',
    description: 'What each team may spend in a month, in dollars.',
  },
  'routing.downgrade': {
    label: 'downgrade',
    template:
      "id: #{name}\nmodels: ['#{gpt-5*}']\nto: { model: #{gpt-5-mini} }\nreason: #{Why, for the person at the device.}",
    description: 'Leads calls of a model to a cheaper one.',
  },
  'dlp.patterns': {
    label: 'pattern',
    template: "id: #{name}\npattern: '#{EMP-[0-9]\\{6\\}}'\nclass: #{person}",
    description: 'Finds what a regular expression describes.',
  },
  'dlp.dictionaries': {
    label: 'dictionary',
    template: 'id: #{name}\nterms: [#{Project Condor}]',
    description: 'Finds words of a list.',
  },
  exceptions: {
    label: 'exception',
    template:
      'id: #{name}\nrules: [#{rule-of-this-document}]\nagents: { teams: [#{research}] }\nowner: #{ann@example.com}\nreason: #{Why, for reports.}\nexpires: #{2099-01-31}T00:00:00Z',
    description: 'A narrow permission inside a ban, with an owner and an end.',
  },
  tests: {
    label: 'test',
    template:
      'name: #{DeepSeek is denied}\nrequest: { action: network.connect, host: #{api.deepseek.com} }\nexpect: { outcome: #{DENY} }',
    description: 'A request and what the policy must say about it.',
  },
};

/** What may be started at an empty item of a list. */
export function snippetAt(position: YamlPosition): PolicySnippet | undefined {
  if (position.key !== undefined || position.present.length > 0) return undefined;
  if (position.path.at(-1) !== '[]') return undefined;
  return ITEMS[position.path.slice(0, -1).join('.')];
}

/**
 * As CodeMirror wants it: places to fill in are numbered in their order.
 *
 * @param indent spaces before each line after the first
 */
export function indented({ template }: PolicySnippet, indent: number): string {
  let field = 0;
  return template
    .replaceAll(/#\{([^{}\\]*)\}/g, (_, text: string) => {
      field += 1;
      return `#{${field}:${text}}`;
    })
    .replaceAll('\n', `\n${' '.repeat(indent)}`);
}

export const SNIPPET_PATHS = Object.keys(ITEMS);
