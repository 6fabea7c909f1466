import type { Subject } from './subject.ts';

/**
 * What a permit says. Times are milliseconds since 1970 by the gate's own clock.
 *
 * `verdict` is the answer of the policy that it stands on: ALLOW, or PROMPT when a person said yes.
 */
export interface PermitClaims {
  readonly v: 1;
  readonly kid: string;
  readonly car: string;
  readonly subject: Subject;
  readonly verdict: 'ALLOW' | 'PROMPT';
  readonly iat: number;
  readonly exp: number;
  readonly nonce: string;
  readonly uses: number;
}

/**
 * A permit in transit: its claims and the MAC, joined by dots, none of which can have one in it. Every part has
 * one spelling only, so a permit has too. The MAC is over `permitPreimage`, never over this.
 */
const FORM =
  /^rp1\.([\w-]{1,32})\.([0-9a-f]{64})\.((?:user\/\d{1,10}|process\/\d{1,10}\/\d{1,10}\/\d{1,20}))\.(ALLOW|PROMPT)\.([1-9]\d{0,15})\.([1-9]\d{0,15})\.([0-9a-f]{32})\.([1-9]\d{0,3})\.([0-9a-f]{64})$/;

export const LONGEST_PERMIT = 400;

/**
 * What is signed: the RFC 8785 form of the claims. Written out because the names are fixed and no value can
 * hold a character that needs escaping; a test compares it with the general writer.
 */
export function permitPreimage(claims: PermitClaims): string {
  const { car, exp, iat, kid, nonce, subject, uses, v, verdict } = claims;
  return (
    `{"car":"${car}","exp":${exp},"iat":${iat},"kid":"${kid}","nonce":"${nonce}",` +
    `"subject":"${subject}","uses":${uses},"v":${v},"verdict":"${verdict}"}`
  );
}

export function formatPermit(claims: PermitClaims, mac: string): string {
  const { car, exp, iat, kid, nonce, subject, uses, verdict } = claims;
  return `rp1.${kid}.${car}.${subject}.${verdict}.${iat}.${exp}.${nonce}.${uses}.${mac}`;
}

/** Takes a permit apart. Nothing in it is true before its MAC was compared. */
export function readPermit(text: string): { claims: PermitClaims; mac: string } | undefined {
  if (text.length > LONGEST_PERMIT) return undefined;
  const parts = FORM.exec(text);
  if (parts === null) return undefined;
  const [, kid = '', car = '', subject, verdict, iat, exp, nonce = '', uses, mac = ''] = parts;
  const claims: PermitClaims = {
    v: 1,
    kid,
    car,
    // The expression admits nothing else in these two places.
    subject: subject as Subject,
    verdict: verdict as PermitClaims['verdict'],
    iat: Number(iat),
    exp: Number(exp),
    nonce,
    uses: Number(uses),
  };
  return Number.isSafeInteger(claims.iat) && Number.isSafeInteger(claims.exp) ? { claims, mac } : undefined;
}
