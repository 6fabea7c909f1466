// biome-ignore-all lint/a11y/useSemanticElements: rows outside the view do not exist and the others are placed by offset, which a table element cannot do
'use client';

import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { cn } from '@/lib/cn.ts';
import { useWidth } from '@/lib/use-width.ts';
import { SkeletonRows } from '../ui/skeleton.tsx';
import { nextRow } from './next-row.ts';

export interface Column<Row> {
  id: string;
  header: string;
  /** For screen readers alone, where the cells speak for themselves. */
  headerHidden?: true;
  /** A CSS grid track, for example `minmax(160px, 2fr)` or `96px`. */
  width: string;
  align?: 'end';
  /** Shown from this width of the table on, in pixels: a phone or an open panel leaves less room. */
  from?: number;
  cell: (row: Row) => ReactNode;
}

interface DataTableProps<Row> {
  /** Names the table for screen readers and tests. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowId: (row: Row) => string;
  /** How a screen reader names the row. */
  rowLabel: (row: Row) => string;
  /** Click or Enter. */
  onOpen?: ((row: Row) => void) | undefined;
  selectedId?: string | undefined;
  /** Further classes of a row. */
  rowClass?: ((row: Row) => string | undefined) | undefined;
  loading?: boolean;
  /** Shown instead of rows. */
  empty?: ReactNode;
  /** All rows there are, when more exist than are loaded. */
  total?: number | undefined;
  onNearEnd?: (() => void) | undefined;
  /** Told when the reader scrolls away from the top or back to it. */
  onAtTop?: ((atTop: boolean) => void) | undefined;
}

const ROW_HEIGHT = 36;
/** Stays in view and takes this much of the height that rows are seen in. */
const HEADER_HEIGHT = 32;
const OVERSCAN = 12;

/** Rows by the ten thousand: only those in view exist; arrows move between rows, Enter opens one. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const {
    label,
    rows,
    rowId,
    rowLabel,
    onOpen,
    selectedId,
    rowClass,
    loading = false,
    empty,
    total,
    onNearEnd,
    onAtTop,
  } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller) ?? Number.POSITIVE_INFINITY;
  const columns = props.columns.filter((column) => width >= (column.from ?? 0));
  const template = columns.map((column) => column.width).join(' ');
  const [active, setActive] = useState(0);
  const focusAfterRender = useRef(false);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
    scrollPaddingEnd: HEADER_HEIGHT,
    // The row that holds the focus stays in the document however far away it is scrolled.
    rangeExtractor: (range) => withRow(defaultRangeExtractor(range), Math.min(active, rows.length - 1)),
    // Rows keep their identity when new ones arrive above them, so that nothing is drawn anew.
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : rowId(row);
    },
  });
  const items = virtual.getVirtualItems();
  const last = virtual.range?.endIndex ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - OVERSCAN) onNearEnd?.();
  }, [last, rows.length, onNearEnd]);
  useEffect(() => {
    if (!focusAfterRender.current) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[data-row="${active}"]`);
    if (row === null || row === undefined) return;
    focusAfterRender.current = false;
    row.focus({ preventScroll: true });
    // In a small window the page scrolls, too.
    scroller.current?.scrollIntoView({ block: 'nearest' });
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[active];
    // Keys typed into a control inside the row belong to that control.
    if (event.target instanceof HTMLElement && event.target.dataset.row === undefined) return;
    if ((event.key === 'Enter' || event.key === ' ') && row !== undefined && onOpen !== undefined) {
      event.preventDefault();
      onOpen(row);
      return;
    }
    const next = nextRow(event.key, active, rows.length, pageRows(scroller.current));
    if (next === undefined) return;
    event.preventDefault();
    focusAfterRender.current = true;
    setActive(next);
    virtual.scrollToIndex(next);
  };

  return (
    <div
      ref={scroller}
      className="min-h-0 flex-1 overflow-auto"
      onScroll={(event) => onAtTop?.(event.currentTarget.scrollTop < ROW_HEIGHT)}
    >
      <div
        role="grid"
        aria-label={label}
        aria-rowcount={(total ?? rows.length) + 1}
        aria-colcount={columns.length}
        aria-busy={loading}
        onKeyDown={onKeyDown}
        className="min-w-full"
      >
        <div
          role="row"
          aria-rowindex={1}
          tabIndex={-1}
          className="sticky top-0 z-10 grid items-center gap-3 border-b bg-surface px-4 text-xs lg:px-6 text-ink-3"
          style={{ gridTemplateColumns: template, height: HEADER_HEIGHT }}
        >
          {columns.map((column) => (
            <div
              key={column.id}
              role="columnheader"
              tabIndex={-1}
              className={cn('truncate', column.align === 'end' && 'text-right')}
            >
              {column.headerHidden === true ? (
                <span className="sr-only">{column.header}</span>
              ) : (
                column.header
              )}
            </div>
          ))}
        </div>
        {rows.length > 0 && (
          <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const row = rows[item.index];
              if (row === undefined) return null;
              const id = rowId(row);
              return (
                <div
                  key={item.key}
                  role="row"
                  data-row={item.index}
                  aria-rowindex={item.index + 2}
                  aria-selected={id === selectedId}
                  aria-label={rowLabel(row)}
                  tabIndex={item.index === Math.min(active, rows.length - 1) ? 0 : -1}
                  onFocus={() => setActive(item.index)}
                  onClick={() => {
                    // A selection of text in a row is not a wish to open it.
                    if (window.getSelection()?.isCollapsed !== false) onOpen?.(row);
                  }}
                  onKeyDown={undefined}
                  className={cn(
                    'absolute inset-x-0 grid items-center gap-3 border-b px-4 -outline-offset-2 lg:px-6 hover:bg-hover',
                    onOpen !== undefined && 'cursor-pointer',
                    id === selectedId && 'bg-raised',
                    rowClass?.(row),
                  )}
                  style={{
                    gridTemplateColumns: template,
                    height: ROW_HEIGHT,
                    transform: `translateY(${item.start}px)`,
                  }}
                >
                  {columns.map((column) => (
                    <div
                      key={column.id}
                      role="gridcell"
                      tabIndex={-1}
                      className={cn('min-w-0 truncate', column.align === 'end' && 'text-right')}
                    >
                      {column.cell(row)}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        )}
      </div>
      {/* Outside the grid, which may hold nothing but rows. */}
      {rows.length === 0 && (loading ? <SkeletonRows rows={8} /> : empty)}
    </div>
  );
}

function withRow(range: number[], row: number): number[] {
  if (row < 0 || range.includes(row)) return range;
  return row < (range[0] ?? 0) ? [row, ...range] : [...range, row];
}

function pageRows(element: HTMLElement | null): number {
  return Math.max(1, Math.floor((element?.clientHeight ?? 0) / ROW_HEIGHT) - 2);
}
