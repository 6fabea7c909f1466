import type { SecretPlace, SecretUse } from '@raypher/shared/rest';

/** For people: where a value goes. */
export function describeUse({ hosts, methods, paths, in: places }: SecretUse): string {
  const what = methods === undefined ? '' : `${methods.join(', ')} to `;
  const where = paths === undefined ? '' : `, paths ${paths.join(', ')}`;
  return `${what}${hosts.join(', ')}${where}, in ${places.map(describePlace).join(' or ')}`;
}

function describePlace(place: SecretPlace): string {
  if ('header' in place)
    return `the header ${place.header}${place.scheme === undefined ? '' : ` (${place.scheme})`}`;
  if ('query' in place) return `the parameter ${place.query}`;
  if ('form' in place) return `the form field ${place.form}`;
  if ('json' in place) return `the JSON field ${place.json}`;
  return `the ${place.basic} of basic authentication`;
}
