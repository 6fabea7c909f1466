import type { JsonLeaf } from './json/read-json.ts';
import { leafShape } from './json/read-json.ts';
import type { PartRole } from './part.ts';

/**
 * What the parts of requests and answers are, by the keys that lead to them. `*` is one key or any index, `**` the
 * rest; the first line that fits counts. Sources: API references of OpenAI (chat completions, responses),
 * Anthropic (messages), Gemini (generateContent, both spellings) and Ollama (chat, generate).
 */
const SHAPES: readonly (readonly [PartRole, readonly string[]])[] = [
  [
    'tool-definition',
    [
      '/tools/**',
      '/functions/**',
      '/tool_choice/**',
      '/input/*/tools/**',
      '/response_format/**',
      '/text/format/**',
      '/format/**',
      '/output_format/**',
      '/output_config/**',
      '/{toolConfig,tool_config}/**',
      '/{generationConfig,generation_config}/{responseSchema,response_schema,responseJsonSchema}/**',
      '/response/{tools,text}/**',
    ],
  ],
  [
    'protocol',
    [
      '/{model,id,object,type,role,created_at,system_fingerprint,service_tier,modelVersion,responseId,obfuscation}',
      '/{previous_response_id,item_id,stop_reason,done_reason,status}',
      '/messages/*/{role,type,id,status,tool_call_id}',
      '/messages/*/tool_calls/*/{id,type}',
      '/messages/*/{tool_calls/*/function,function_call}/name',
      '/messages/*/content/*/{type,id,tool_use_id,signature,name}',
      '/messages/*/content/*/{cache_control,source}/{type,media_type,ttl}',
      '/messages/*/content/*/content/*/type',
      '/input/*/{type,id,call_id,role,status,name,encrypted_content}',
      '/input/*/content/*/type',
      '/output/*/{type,id,call_id,role,status,name,encrypted_content}',
      '/output/*/content/*/type',
      '/item/{type,id,call_id,role,status,name,encrypted_content}',
      '/response/{id,object,model,status}',
      '/response/output/*/{type,id,call_id,role,status,name,encrypted_content}',
      '/response/output/*/content/*/type',
      '/{content_block,delta,message}/{type,id,role,model,name,signature,stop_reason}',
      '/content/*/{type,id,name,signature}',
      '/choices/*/finish_reason',
      '/choices/*/{delta,message}/{role,tool_calls/*/id,tool_calls/*/type,tool_calls/*/function/name}',
      '/contents/*/role',
      '/candidates/*/finishReason',
      '/candidates/*/content/role',
      '/{contents/*,candidates/*/content}/parts/*/{thoughtSignature,thought_signature}',
      '/{contents/*,candidates/*/content}/parts/*/{functionCall,function_call,functionResponse,function_response}/{id,name}',
    ],
  ],
  [
    'tool-arguments',
    [
      '/messages/*/{tool_calls/*/function,function_call}/arguments/**',
      '/message/tool_calls/*/function/arguments/**',
      '/messages/*/content/*/input/**',
      '/content/*/input/**',
      '/content_block/input/**',
      '/{input,output}/*/{arguments,input}/**',
      '/{item,response/output/*}/{arguments,input}/**',
      '/arguments',
      '/choices/*/{delta,message}/{tool_calls/*/function,function_call}/arguments/**',
      '/{contents/*,candidates/*/content}/parts/*/{functionCall,function_call}/args/**',
    ],
  ],
  [
    'tool-result',
    [
      '/messages/*/content/*/content/**',
      '/input/*/output/**',
      '/contents/*/parts/*/{functionResponse,function_response}/response/**',
    ],
  ],
  ['system', ['/system/**', '/instructions/**', '/{systemInstruction,system_instruction}/**']],
  [
    'message',
    [
      '/messages/**',
      '/{input,prompt,suffix}/**',
      '/contents/**',
      '/{choices,output,content,candidates,message,content_block,delta,item,response}/**',
      '/text',
    ],
  ],
];

const TABLE = SHAPES.flatMap(([role, shapes]) =>
  shapes.map((shape) => ({ role, pattern: shapePattern(shape) })),
);

function shapePattern(shape: string): RegExp {
  const source = shape
    .replace(/\/\*\*$/, '(?:/.+)?')
    .replaceAll('/*', '/[^/]+')
    .replaceAll('{', '(?:')
    .replaceAll('}', ')')
    .replaceAll(',', '|');
  return new RegExp(`^${source}$`);
}

const MAX_KNOWN = 2_048;
const known = new Map<string, PartRole>();

/** What a JSON leaf of a model call is; `other` when nothing is known about its place. */
export function leafRole(leaf: JsonLeaf): PartRole {
  const shape = leafShape(leaf);
  let role = known.get(shape);
  if (role === undefined) {
    role = TABLE.find(({ pattern }) => pattern.test(shape))?.role ?? 'other';
    // Keys come from outside: the memory of their shapes is bounded.
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(shape, role);
  }
  if (role === 'message' && isToolMessage(leaf)) return 'tool-result';
  return role;
}

/** OpenAI and Ollama say by the message's role that its content is what a tool answered. */
function isToolMessage({ container }: JsonLeaf): boolean {
  for (let at = container; at !== undefined; at = at.parent) {
    if (at.shape !== '/messages/*') continue;
    const role = at.fields?.get('role');
    return role === 'tool' || role === 'function';
  }
  return false;
}
