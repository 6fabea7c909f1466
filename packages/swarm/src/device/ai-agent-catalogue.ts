/** One kind of AI agent that a simulated machine may run. Signature ids are those of the discovery data. */
export interface AiAgentKind {
  name: string;
  exePath: string;
  /** Empty for a native program. */
  entryScript: string;
  processName: string;
  libraries: readonly string[];
  models: readonly string[];
  risk: 'medium' | 'high' | 'critical';
  /** What it calls. */
  endpoints: readonly Endpoint[];
}

/** A place that an AI agent calls; of a model, when it has a provider. */
export interface Endpoint {
  host: string;
  /** 443 unless given. */
  port?: number;
  path: string;
  /** As the providers' data of the agent names it. */
  provider?: string;
  model?: string;
}

const openai = (model: string, operation: string): Endpoint => ({
  host: 'api.openai.com',
  path: `/v1/${operation}`,
  provider: 'openai',
  model,
});
const anthropic = (model: string): Endpoint => ({
  host: 'api.anthropic.com',
  path: '/v1/messages',
  provider: 'anthropic',
  model,
});
const ollama = (model: string): Endpoint => ({
  host: '127.0.0.1',
  port: 11_434,
  path: '/api/chat',
  provider: 'ollama',
  model,
});
const mistral: Endpoint = {
  host: 'api.mistral.ai',
  path: '/v1/chat/completions',
  provider: 'mistral',
  model: 'mistral-large-latest',
};
const deepseek: Endpoint = {
  host: 'api.deepseek.com',
  path: '/chat/completions',
  provider: 'deepseek',
  model: 'deepseek-chat',
};

/** What people's laptops and build machines really run, so that demonstrations and loads look like a company. */
export const AI_AGENT_KINDS: readonly AiAgentKind[] = [
  {
    name: 'Support triage agent',
    exePath: '/usr/bin/python3.12',
    entryScript: '/srv/triage/main.py',
    processName: 'python3',
    libraries: ['langchain', 'openai'],
    models: ['gpt-4o-mini', 'text-embedding-3-small'],
    risk: 'high',
    endpoints: [openai('gpt-4o-mini', 'chat/completions'), openai('text-embedding-3-small', 'embeddings')],
  },
  {
    name: 'Claude Code',
    exePath: '/usr/bin/node',
    entryScript: '/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js',
    processName: 'node',
    libraries: ['@anthropic-ai/sdk'],
    models: ['claude-sonnet-4-5'],
    risk: 'critical',
    endpoints: [anthropic('claude-sonnet-4-5')],
  },
  {
    name: 'Invoice extraction crew',
    exePath: '/usr/bin/python3.11',
    entryScript: '/opt/invoices/crew.py',
    processName: 'python3',
    libraries: ['crewai', 'litellm'],
    models: ['gpt-4o', 'mistral-large-latest'],
    risk: 'high',
    endpoints: [openai('gpt-4o', 'chat/completions'), mistral],
  },
  {
    name: 'Research graph',
    exePath: '/usr/bin/python3.12',
    entryScript: '/home/dev/research/graph.py',
    processName: 'python3',
    libraries: ['langgraph', 'langchain', 'anthropic'],
    models: ['claude-opus-4-1'],
    risk: 'high',
    endpoints: [anthropic('claude-opus-4-1'), { host: 'api.tavily.com', path: '/search' }],
  },
  {
    name: 'Local assistant',
    exePath: '/usr/local/bin/ollama',
    entryScript: '',
    processName: 'ollama',
    libraries: [],
    models: ['llama3:8b', 'qwen2.5-coder:7b'],
    risk: 'medium',
    endpoints: [ollama('llama3:8b'), ollama('qwen2.5-coder:7b')],
  },
  {
    name: 'Pull request reviewer',
    exePath: '/usr/bin/node',
    entryScript: '/srv/reviewer/dist/index.js',
    processName: 'node',
    libraries: ['ai', '@ai-sdk/openai'],
    models: ['gpt-4.1'],
    risk: 'medium',
    endpoints: [openai('gpt-4.1', 'responses')],
  },
  {
    name: 'Data notebook copilot',
    exePath: '/opt/conda/bin/python3.12',
    entryScript: '/opt/conda/bin/jupyter-lab',
    processName: 'python3',
    libraries: ['llama-index', 'openai'],
    models: ['deepseek-chat'],
    risk: 'medium',
    endpoints: [deepseek],
  },
  {
    name: 'Browser operator',
    exePath: '/usr/bin/python3.12',
    entryScript: '/home/dev/operator/run.py',
    processName: 'python3',
    libraries: ['browser-use', 'langchain'],
    models: ['gpt-4o'],
    risk: 'critical',
    endpoints: [openai('gpt-4o', 'chat/completions')],
  },
];

export const PEOPLE: readonly string[] = [
  'ada',
  'alan',
  'barbara',
  'donald',
  'edsger',
  'frances',
  'grace',
  'ken',
];
