/** Named in rules that concern nobody here. */
const OTHERS = Array.from({ length: 96 }, (_, index) => `tracker-${index}.example`);

/** A policy that looks through and counts everything and bans nothing that a clean call does: YAML of its sections. */
export const EVERYTHING_ON = `network:
  default: allow
  rules:
${OTHERS.map((host, at) => `    - { id: no-${at}, effect: deny, destinations: ['*.${host}'], models: ['banned-${at}*'] }`).join('\n')}
dlp:
  default: allow
  on_unscannable: block
  rules:
    - { id: no-keys-out, effect: redact, direction: out, classes: [credential] }
    - { id: no-keys-in, effect: redact, direction: in, classes: [credential] }
    - { id: no-cards-out, effect: block, direction: out, classes: [payment] }
    - { id: no-cards-in, effect: block, direction: in, classes: [payment] }
financial:
  limits:
    - { id: everything, amount: 1000, per: month, scope: organisation, warn_at: 0.8, providers: [openai, anthropic, gemini] }
    - { id: each-agent, amount: 100, per: hour, scope: agent, providers: [openai, anthropic, gemini] }
`;
