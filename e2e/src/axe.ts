import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

/** WCAG 2.2 AA, as axe names what it is made of. */
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];

/** All rules of axe, for the page as it is now. */
export function axe(page: Page): AxeBuilder {
  // For frames axe carries all that it found through a second page, which takes longer than the rules. We have none.
  if (page.frames().length > 1) throw new Error('axe would not look into the frames of this page');
  // It describes every element that passes a rule unless it is told that nobody asks.
  return new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] });
}

/**
 * @param where names the place in what is reported
 * @returns what WCAG 2.2 AA finds wrong, a line for each rule
 */
export async function inaccessible(page: Page, where: string): Promise<string[]> {
  const { violations } = await axe(page).withTags(WCAG).analyze();
  return violations.map(({ id, nodes }) => `${where} ${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}
