/** A host that exists nowhere; what is asked about it only proves that refusals work. */
export const CANARY_HOST = 'canary.raypher.invalid';
