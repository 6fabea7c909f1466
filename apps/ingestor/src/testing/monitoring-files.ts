import { readdir, readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

const ROOT = new URL('../../../../', import.meta.url);
const DASHBOARDS = new URL('infra/grafana/dashboards/', ROOT);

const Dashboard = z.object({
  uid: z.string(),
  title: z.string(),
  panels: z
    .array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) }))
    .min(1),
});

const Rules = z.object({
  spec: z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            alert: z.string(),
            expr: z.string(),
            annotations: z.object({ summary: z.string(), runbook: z.string() }),
          }),
        ),
      }),
    ),
  }),
});

/** Every query of every dashboard in infra/grafana. */
export async function dashboardQueries(): Promise<string[]> {
  const files = (await readdir(DASHBOARDS)).filter((file) => file.endsWith('.json'));
  const dashboards = await Promise.all(
    files.map(async (file) => Dashboard.parse(JSON.parse(await readFile(new URL(file, DASHBOARDS), 'utf8')))),
  );
  return dashboards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)));
}

/** The alerts of infra/kubernetes/monitoring. */
export async function rules(): Promise<{ alert: string; expr: string; runbook: string }[]> {
  const text = await readFile(new URL('infra/kubernetes/monitoring/alerts.yaml', ROOT), 'utf8');
  return Rules.parse(parse(text)).spec.groups.flatMap((group) =>
    group.rules.map(({ alert, expr, annotations }) => ({ alert, expr, runbook: annotations.runbook })),
  );
}

/** What a link can lead to: headings of a document, as GitHub names them. */
export async function headings(file: string): Promise<string[]> {
  const text = await readFile(new URL(file, ROOT), 'utf8');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}
