/** What desired state can change in a way that devices should hear of at once. */
export type OutboxTopic = 'policy' | 'freeze' | 'command' | 'standing';
