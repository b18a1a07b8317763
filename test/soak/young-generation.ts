/**
 * V8 doubles its young generation each time survivors add up to its size, in every program that keeps
 * anything for a while: steps of 13 MiB, minutes apart, with or without us. From the start at its
 * full size it cannot hide what we measure.
 */
export const FULL_YOUNG_GENERATION = ['--min-semi-space-size=16', '--max-semi-space-size=16'];
