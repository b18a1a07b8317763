import type { ProfileType } from '../profile/model.ts';
import type { Exporter } from './exporter.ts';

/** What of all profiles a destination gets, and how often. */
export interface Route {
  /** All types by default. */
  readonly types?: readonly ProfileType[] | undefined;
  /**
   * Only samples whose labels meet these conditions: `agent_name=planner`, `agent_name!=planner`,
   * `agent_name=*` (has it), `agent_name=` (has it not). Of one name any, of different names all.
   */
  readonly filter?: readonly string[] | undefined;
  /** Windows of so many seconds become one profile; without it each window is one. */
  readonly intervalSeconds?: number | undefined;
}

/** A destination with its route. */
export interface Outlet {
  readonly exporter: Exporter;
  readonly route: Route;
}
