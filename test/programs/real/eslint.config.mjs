// Rules that have a lot to say about a bundled file, so that there is output to compare.
export default [
  {
    files: ['**/*.js'],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module' },
    rules: {
      complexity: ['error', 40],
      'max-depth': ['warn', 5],
      'no-unused-vars': 'warn',
      'no-shadow': 'error',
      'no-use-before-define': 'warn',
      'prefer-const': 'error',
      'no-fallthrough': 'error',
      'no-unreachable': 'error',
    },
  },
  { ignores: ['!**/node_modules/'] },
];
