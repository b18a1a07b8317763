import { describe, expect, it } from 'vitest';
import { profileFromText, samplesOf } from './profile-from-text.ts';

describe('profileFromText', () => {
  it('reads frames, values and labels column by column', () => {
    const profile = profileFromText(`
      stack               main      main@a.ts:9:4+2
                          plan
      inuse_objects/count 3         1
      inuse_space/bytes   300       10
      labels              agent=x   -
                          step=1
    `);
    expect(profile.profileType).toBe('heap');
    expect(samplesOf(profile)).toEqual(['main | - | 1 10', 'main;plan | agent=x step=1 | 3 300']);
    expect(samplesOf(profile, 'places')).toContain('main@a.ts:9:4+2 | - | 1 10');
  });

  it('refuses a drawing whose columns run into each other', () => {
    const drawing = `
      stack          main  main
      samples/count  1     2
      labels         agent=x  -
    `;
    expect(() => profileFromText(drawing)).toThrow('not drawn in columns:       labels');
  });
});
