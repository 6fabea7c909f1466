import { CATEGORIES, type ClassName, classOf, OTHER } from './classes.ts';
import type { OcsfEvent, OcsfObject } from './ocsf-event.ts';
import { OCSF_VERSION, present } from './ocsf-event.ts';

export const SEVERITIES = {
  info: { severity_id: 1, severity: 'Informational' },
  notice: { severity_id: 2, severity: 'Low' },
  warning: { severity_id: 3, severity: 'Medium' },
  critical: { severity_id: 5, severity: 'Critical' },
} as const;

interface Frame {
  class: ClassName;
  /** A number of the class, or what is done when it has none for it. */
  activity: number | string;
  severity: keyof typeof SEVERITIES;
  time: number;
  metadata: OcsfObject;
}

/** What every event begins with, whatever it is about. */
export function frameOf({ class: name, activity, severity, time, metadata }: Frame): OcsfEvent {
  const { uid, category, caption, activities } = classOf(name);
  const activity_id = typeof activity === 'number' ? activity : OTHER;
  const activity_name = typeof activity === 'string' ? activity : (activities[activity] ?? 'Unknown');
  return {
    metadata: {
      version: OCSF_VERSION,
      log_name: 'raypher',
      ...metadata,
    },
    category_uid: category,
    category_name: CATEGORIES[category],
    class_uid: uid,
    class_name: caption,
    activity_id,
    activity_name,
    type_uid: uid * 100 + activity_id,
    type_name: `${caption}: ${activity_name}`,
    ...SEVERITIES[severity],
    time,
  };
}

/** Who reports: a part of this product. */
export function productOf(name: string, version: string | undefined): OcsfObject {
  return present({ name, vendor_name: 'Raypher', version });
}
