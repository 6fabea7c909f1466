import { describe, expect, it } from 'vitest';
import { CLASSES } from '../classes.ts';
import { toOcsf } from '../to-ocsf.ts';
import { faultsOf } from './check-event.ts';
import { example } from './example-entries.ts';
import { readSchema } from './ocsf-schema.ts';

const schema = readSchema();
const valid = () => toOcsf(example('network.request'), { index: 1, receivedAt: new Date() });

describe('the check of events', () => {
  it('takes a valid event', () => {
    expect(faultsOf(valid(), schema)).toEqual([]);
  });

  it.each([
    ['an unknown attribute', { threat: 'high' }, 'threat: unknown attribute'],
    ['an attribute of another class', { finding_info: { uid: '1' } }, 'finding_info: unknown attribute'],
    ['an unknown class', { class_uid: 6099 }, 'class_uid: no class 6099'],
    ['an abstract class', { class_uid: 0 }, 'class_uid: no class 0'],
    ['an activity that the class has not', { activity_id: 9 }, 'activity_id: api_activity has no activity 9'],
    ['a type that does not add up', { type_uid: 600_301 }, 'type_uid: 600301 does not add up'],
    ['another category', { category_uid: 4 }, 'category_uid: 4, not 6'],
    ['a severity that there is not', { severity_id: 7 }, 'severity_id: not one of its values'],
    ['a time that is a text', { time: '2026-11-30' }, 'time: not a timestamp_t'],
    ['a time with a fraction', { time: 1.5 }, 'time: not a timestamp_t'],
    ['an empty text', { message: '' }, 'message: not a string_t'],
    ['an address that is none', { dst_endpoint: { ip: '1.2.3' } }, 'dst_endpoint.ip: not a ip_t'],
    ['a port that is none', { dst_endpoint: { uid: 'a', port: 70_000 } }, 'dst_endpoint.port: not a port_t'],
    ['an endpoint without a name', { dst_endpoint: { port: 1 } }, /^dst_endpoint: at least one of/],
    ['a model without its provider', { ai_model: { name: 'm' } }, 'ai_model.ai_provider: required'],
    ['an object where a list belongs', { observables: {} }, 'observables: not a list with something in it'],
    ['a fault inside a list', { observables: [{ name: 'x' }] }, 'observables[0].type_id: required'],
    ['a disposition that there is not', { disposition_id: 28 }, 'disposition_id: not one of its values'],
  ])('finds %s', (_what, planted, fault) => {
    expect(faultsOf({ ...valid(), ...planted }, schema)).toContainEqual(
      typeof fault === 'string' ? fault : expect.stringMatching(fault),
    );
  });

  it.each(['actor', 'api', 'src_endpoint', 'time', 'metadata', 'severity_id', 'activity_id', 'type_uid'])(
    'misses %s',
    (name) => {
      const { [name]: _, ...rest } = valid();
      expect(faultsOf(rest, schema)).toContain(`${name}: required`);
    },
  );

  it('finds profiles: one that the class has not, and what is there without its profile', () => {
    const { metadata, ...rest } = valid();
    const other = { ...rest, metadata: { ...metadata, profiles: ['host', 'cloud'] } };
    expect(faultsOf(other, schema)).toContain('metadata.profiles: api_activity has no profile cloud');
    expect(faultsOf(other, schema)).toContain('ai_model: unknown attribute');
    expect(faultsOf(other, schema)).toContain('disposition_id: unknown attribute');
  });

  it('finds another version', () => {
    const { metadata, ...rest } = valid();
    expect(faultsOf({ ...rest, metadata: { ...metadata, version: '1.9.0' } }, schema)).toEqual([
      'metadata.version: another one',
    ]);
  });
});

describe('the classes that are used', () => {
  it.each(Object.entries(CLASSES))(
    '%s is what the schema says',
    (name, { uid, category, caption, activities }) => {
      const known = schema.classOfUid(uid);
      expect(known).toMatchObject({ name, category, caption });
      expect(known?.activities).toMatchObject(activities);
    },
  );
});
