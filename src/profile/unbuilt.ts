import type { Profile, ProfileType } from './model.ts';

/**
 * A collected profile that need not be built yet: that takes milliseconds, and may wait for a turn of
 * the event loop in which nothing else is done.
 */
export interface Unbuilt {
  readonly profileType: ProfileType;
  /** The same profile each time; only the first time costs. */
  readonly build: () => Profile;
}

/** One that is there already. */
export function built(profile: Profile): Unbuilt {
  return { profileType: profile.profileType, build: () => profile };
}

/** Calls `make` when its result is first wanted, and then lets go of what it needed. */
export function lazy<Value extends object>(make: () => Value): () => Value {
  let state: { readonly make: () => Value } | { readonly value: Value } = { make };
  return () => {
    if ('make' in state) state = { value: state.make() };
    return state.value;
  };
}
