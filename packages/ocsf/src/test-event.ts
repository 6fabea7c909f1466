import { frameOf, productOf } from './event-frame.ts';
import type { OcsfEvent } from './ocsf-event.ts';

/** What a destination is sent when somebody tries it: an event that says so, and is in no log. */
export function testEvent(organisation: string, destination: string, at: Date): OcsfEvent {
  return {
    ...frameOf({
      class: 'entity_management',
      activity: 'Test',
      severity: 'info',
      time: at.getTime(),
      metadata: {
        product: productOf('Raypher control plane', undefined),
        profiles: ['host'],
        uid: `${organisation}/test/${destination}/${at.getTime()}`,
        event_code: 'export.test',
        tenant_uid: organisation,
        original_time: at.toISOString(),
        logged_time: at.getTime(),
      },
    }),
    message: 'A test of this destination by Raypher.',
    status_id: 1,
    status: 'Success',
    entity: { name: 'Export destination', uid: destination, type: 'Export destination', type_id: 99 },
    unmapped: {},
  };
}
