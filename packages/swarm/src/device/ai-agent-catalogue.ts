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
  /** Where its model calls go: host and path. */
  endpoints: readonly string[];
}

/** What people's laptops and build machines really run, so that demonstrations and loads look like a company. */
export const AI_AGENT_KINDS: readonly AiAgentKind[] = [
  {
    name: 'Support triage agent',
    exePath: '/usr/bin/python3.12',
    entryScript: '/srv/triage/main.py',
    processName: 'python3',
    libraries: ['langchain', 'openai'],
    models: ['gpt-4o-mini'],
    risk: 'high',
    endpoints: ['api.openai.com/v1/chat/completions', 'api.openai.com/v1/embeddings'],
  },
  {
    name: 'Claude Code',
    exePath: '/usr/bin/node',
    entryScript: '/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js',
    processName: 'node',
    libraries: ['@anthropic-ai/sdk'],
    models: ['claude-sonnet-4-5'],
    risk: 'critical',
    endpoints: ['api.anthropic.com/v1/messages'],
  },
  {
    name: 'Invoice extraction crew',
    exePath: '/usr/bin/python3.11',
    entryScript: '/opt/invoices/crew.py',
    processName: 'python3',
    libraries: ['crewai', 'litellm'],
    models: ['gpt-4o', 'mistral-large-latest'],
    risk: 'high',
    endpoints: ['api.openai.com/v1/chat/completions', 'api.mistral.ai/v1/chat/completions'],
  },
  {
    name: 'Research graph',
    exePath: '/usr/bin/python3.12',
    entryScript: '/home/dev/research/graph.py',
    processName: 'python3',
    libraries: ['langgraph', 'langchain', 'anthropic'],
    models: ['claude-opus-4-1'],
    risk: 'high',
    endpoints: ['api.anthropic.com/v1/messages', 'api.tavily.com/search'],
  },
  {
    name: 'Local assistant',
    exePath: '/usr/local/bin/ollama',
    entryScript: '',
    processName: 'ollama',
    libraries: [],
    models: ['llama3:8b', 'qwen2.5-coder:7b'],
    risk: 'medium',
    endpoints: ['127.0.0.1:11434/api/chat'],
  },
  {
    name: 'Pull request reviewer',
    exePath: '/usr/bin/node',
    entryScript: '/srv/reviewer/dist/index.js',
    processName: 'node',
    libraries: ['ai', '@ai-sdk/openai'],
    models: ['gpt-4.1'],
    risk: 'medium',
    endpoints: ['api.openai.com/v1/responses'],
  },
  {
    name: 'Data notebook copilot',
    exePath: '/opt/conda/bin/python3.12',
    entryScript: '/opt/conda/bin/jupyter-lab',
    processName: 'python3',
    libraries: ['llama-index', 'openai'],
    models: ['deepseek-chat'],
    risk: 'medium',
    endpoints: ['api.deepseek.com/chat/completions'],
  },
  {
    name: 'Browser operator',
    exePath: '/usr/bin/python3.12',
    entryScript: '/home/dev/operator/run.py',
    processName: 'python3',
    libraries: ['browser-use', 'langchain'],
    models: ['gpt-4o'],
    risk: 'critical',
    endpoints: ['api.openai.com/v1/chat/completions'],
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
