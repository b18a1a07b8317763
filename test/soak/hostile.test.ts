/** The hostile requests of test/endpoint/hostile.test.ts, a hundred thousand of them. */
process.env['TEST_HOSTILE_REQUESTS'] ??= '100000';
await import('../endpoint/hostile.test.ts');
