/** One thing that setting up, installing or uninstalling looked after. */
export interface Step {
  step:
    | 'enrol'
    | 'executable'
    | 'unit'
    | 'config'
    | 'data'
    | 'enable'
    | 'start'
    | 'trust'
    | 'stop'
    | 'release'
    | 'leave'
    | 'remove'
    | 'package';
  /** `kept`: left where it is, on purpose; `unavailable`: could not be done here, and why. */
  state: 'done' | 'unchanged' | 'kept' | 'unavailable';
  detail: string;
}

export type ReportStep = (step: Step) => void;
