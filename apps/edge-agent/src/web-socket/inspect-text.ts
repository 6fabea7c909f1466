/**
 * Looks at a text message before it goes on.
 *
 * @param direction `out`: from the AI agent. `in`: from the server.
 * @returns what goes on instead; undefined when nothing may, and the connection ends
 */
export type InspectText = (direction: 'out' | 'in', text: string) => string | undefined;
