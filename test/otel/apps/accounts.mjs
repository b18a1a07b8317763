/** The test's eyes: says at the end of the program what its agents have cost. */
import { accounts, status } from '../../../dist/index.js';

process.once('beforeExit', () => {
  console.log(JSON.stringify({ accounts: accounts(), otel: status().otel }));
});
