/** The product's mark: a boundary with a beam that stops at it. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg
      viewBox="0 0 20 20"
      aria-hidden="true"
      className={className}
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
    >
      <path
        d="M10 1.8 17 5v5.2c0 3.9-2.8 6.7-7 8-4.2-1.3-7-4.1-7-8V5z"
        strokeLinejoin="round"
        strokeWidth="1.6"
      />
      <path d="M6.5 10h4" />
      <path d="M13 7v6" />
    </svg>
  );
}
