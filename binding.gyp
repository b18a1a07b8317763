{
  # For machines without a prebuilt addon: `scripts/install.mjs` runs node-gyp on this. The C++
  # standard and the V8 settings come with Node's own headers.
  "targets": [
    {
      "target_name": "spanprof",
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('native').filter((name) => name.endsWith('.cc')).map((name) => 'native/' + name).join(' ')\")"
      ],
      "include_dirs": ["native"],
      "cflags_cc": ["-O2", "-fvisibility=hidden"],
      "ldflags": ["-Wl,-z,now", "-Wl,-z,nodelete"]
    }
  ]
}
