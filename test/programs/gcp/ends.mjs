// Ends by itself, a moment after the preloaded agent began to wait for the server.
const { status } = await import(process.argv[2]);
const timer = setInterval(() => {
  const gcp = status().exporters.find(({ name }) => name === 'gcp');
  if (gcp?.state !== 'waiting') return;
  clearInterval(timer);
  setTimeout(() => console.log('the end'), 1_500);
}, 20);
