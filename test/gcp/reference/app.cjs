// Google's own profiler as their documentation starts it, with quicker retries; runs until killed.
const [apiEndpoint] = process.argv.slice(2);
require('@google-cloud/profiler')
  .start({
    apiEndpoint,
    serviceContext: { service: 'checkout', version: 'v1' },
    initialBackoffMillis: 50,
    backoffCapMillis: 100,
    logLevel: 1,
  })
  .then(() => console.log('started'));
setInterval(() => Math.sqrt(performance.now()), 1);
