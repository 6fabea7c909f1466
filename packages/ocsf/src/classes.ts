/** Categories of OCSF, by number. */
export const CATEGORIES = {
  1: 'System Activity',
  2: 'Findings',
  3: 'Identity & Access Management',
  4: 'Network Activity',
  5: 'Discovery',
  6: 'Application Activity',
} as const;

/** What an activity is called when its class has no number for it. */
export const OTHER = 99;

interface OcsfClass {
  uid: number;
  category: keyof typeof CATEGORIES;
  caption: string;
  /** By `activity_id`. */
  activities: Readonly<Record<number, string>>;
}

/** The classes that are used, with the activities that are. A test compares them with the schema. */
export const CLASSES = {
  process_activity: {
    uid: 1007,
    category: 1,
    caption: 'Process Activity',
    activities: { 2: 'Terminate' },
  },
  event_log_actvity: {
    uid: 1008,
    category: 1,
    caption: 'Event Log Activity',
    activities: {},
  },
  detection_finding: {
    uid: 2004,
    category: 2,
    caption: 'Detection Finding',
    activities: { 1: 'Create' },
  },
  data_security_finding: {
    uid: 2006,
    category: 2,
    caption: 'Data Security Finding',
    activities: { 1: 'Create' },
  },
  entity_management: {
    uid: 3004,
    category: 3,
    caption: 'Entity Management',
    activities: {
      1: 'Create',
      2: 'Read',
      3: 'Update',
      4: 'Delete',
      6: 'Enroll',
      8: 'Enable',
      9: 'Disable',
      10: 'Activate',
    },
  },
  network_activity: {
    uid: 4001,
    category: 4,
    caption: 'Network Activity',
    activities: { 1: 'Open', 3: 'Reset', 5: 'Refuse' },
  },
  http_activity: {
    uid: 4002,
    category: 4,
    caption: 'HTTP Activity',
    activities: {
      1: 'Connect',
      2: 'Delete',
      3: 'Get',
      4: 'Head',
      5: 'Options',
      6: 'Post',
      7: 'Put',
      8: 'Trace',
      9: 'Patch',
    },
  },
  device_config_state_change: {
    uid: 5019,
    category: 5,
    caption: 'Device Config State Change',
    activities: { 1: 'Log' },
  },
  software_info: {
    uid: 5020,
    category: 5,
    caption: 'Software Inventory Info',
    activities: { 2: 'Collect' },
  },
  application_lifecycle: {
    uid: 6002,
    category: 6,
    caption: 'Application Lifecycle',
    activities: { 3: 'Start', 4: 'Stop' },
  },
  api_activity: {
    uid: 6003,
    category: 6,
    caption: 'API Activity',
    activities: {},
  },
} as const satisfies Record<string, OcsfClass>;

export type ClassName = keyof typeof CLASSES;

/** The class with its activities by number, whatever they are. */
export function classOf(name: ClassName): OcsfClass {
  return CLASSES[name];
}
