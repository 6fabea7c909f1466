/** Providers whose header the device's proxy fills in; the names are the proxy's own. */
export const KNOWN_PROVIDERS = [
  { id: 'openai', label: 'OpenAI', placeholder: 'OPENAI_API_KEY=raypher' },
  { id: 'anthropic', label: 'Anthropic', placeholder: 'ANTHROPIC_API_KEY=raypher' },
  { id: 'gemini', label: 'Google Gemini', placeholder: 'GEMINI_API_KEY=raypher' },
  { id: 'deepseek', label: 'DeepSeek', placeholder: 'DEEPSEEK_API_KEY=raypher' },
  { id: 'mistral', label: 'Mistral', placeholder: 'MISTRAL_API_KEY=raypher' },
  { id: 'openrouter', label: 'OpenRouter', placeholder: 'OPENROUTER_API_KEY=raypher' },
  { id: 'groq', label: 'Groq', placeholder: 'GROQ_API_KEY=raypher' },
] as const;
