/** A cookie, so that the server renders the chosen theme and nothing flashes. */
export const THEME_COOKIE = 'raypher-theme';

const THEMES = ['dark', 'light', 'system'] as const;
export type Theme = (typeof THEMES)[number];

export function parseTheme(value: string | undefined): Theme {
  return THEMES.find((theme) => theme === value) ?? 'system';
}
