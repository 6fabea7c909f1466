import { isPlaceholder } from '../entropy/placeholder.ts';
import { shannonEntropy } from '../entropy/shannon.ts';
import { wordiness } from '../entropy/wordiness.ts';
import type { Assignment } from './assignment.ts';
import type { AssignedDetector } from './detector.ts';

export interface AssignedMatcher {
  detector: AssignedDetector;
  matches(assignment: Assignment, value: string): boolean;
}

/** Compiles a detector of named values: the whole value has the format and is no word. */
export function assignedMatcher(detector: AssignedDetector): AssignedMatcher {
  const format = new RegExp(`^(?:${detector.pattern})$`, detector.ignoreCase ? 'i' : '');
  const { entropy = 2.2, validate } = detector;
  return {
    detector,
    matches({ name }, value) {
      if (!format.test(value) || (entropy > 0 && !/\d/.test(value)) || isPlaceholder(value)) return false;
      if (
        entropy > 0 &&
        (shannonEntropy(value) < entropy || (wordiness(value) > 0.7 && !/\d.*\d.*\d/.test(value)))
      )
        return false;
      // A digest or an id under the bare name of a service is a revision or an account, not a key.
      if (DIGEST_OR_ID.test(value) && !SECRET_LIKE.test(name)) return false;
      return validate ? validate(value, name) : true;
    },
  };
}

const SECRET_LIKE = /key|token|secret|pass|auth|cred|login|oauth|bearer|api|client|_id|contribsys/i;

const DIGEST_OR_ID =
  /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+)$/i;
