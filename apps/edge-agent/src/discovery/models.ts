import { basename } from 'node:path';

const MODEL_NAME = /^[\w./:@-]{1,128}$/;
const OPTION = /^--(?:model|model[-_](?:name|id|path)|llm|hf-repo|served-model-name)(?:=(.*))?$/;
/** `ollama run llama3:8b`, `vllm serve org/model` */
const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  ollama: ['run', 'pull', 'stop'],
  vllm: ['serve'],
  sglang: ['serve'],
};

/** Models that a command line names: only options and sub-commands that mean a model are read, nothing is guessed. */
export function modelsOfArguments(argv: readonly string[]): string[] {
  const models = new Set<string>();
  const add = (value: string | undefined): void => {
    const name = value === undefined ? undefined : modelName(value);
    if (name !== undefined) models.add(name);
  };
  argv.forEach((argument, index) => {
    const next = argv[index + 1];
    const option = OPTION.exec(argument);
    if (option !== null) add(option[1] ?? next);
    if (argument === '-m' && next?.endsWith('.gguf') === true) add(next);
    const verbs = SUBCOMMANDS[basename(argument)];
    if (verbs !== undefined && next !== undefined && verbs.includes(next)) add(argv[index + 2]);
  });
  return [...models];
}

/** A model as it is compared: files by their name without folder and format. */
export function modelName(value: string): string | undefined {
  if (value.startsWith('-') || !MODEL_NAME.test(value)) return undefined;
  return /\.(gguf|safetensors|onnx)$/.test(value) ? basename(value).replace(/\.\w+$/, '') : value;
}
