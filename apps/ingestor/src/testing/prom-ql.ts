import { parser } from '@prometheus-io/lezer-promql';

/**
 * The names of the metrics that a PromQL expression asks for, by Prometheus' own grammar.
 *
 * @throws Error when it is not PromQL.
 */
export function metricNames(expression: string): string[] {
  // Grafana fills these in.
  const text = expression.replaceAll('$__rate_interval', '5m');
  const names: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) throw new Error(`not PromQL at ${from}: ${text}`);
      if (type.name === 'Identifier' && node.parent?.type.name === 'VectorSelector') {
        names.push(text.slice(from, to));
      }
    },
  });
  return names;
}
