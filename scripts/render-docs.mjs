/**
 * The generated pages of docs/, as pure functions of the schema and the error table. Types stand in
 * render-docs.d.mts. Used by generate-docs.mjs (from dist/) and by the tests (from src/).
 */

const GROUP_TITLES = {
  '': 'General',
  cpu: 'CPU',
  heap: 'Heap',
  attribution: 'Attribution',
  file: 'Files',
  pyroscope: 'Pyroscope',
  gcp: 'Google Cloud Profiler',
  spool: 'Spool',
  upload: 'Uploads',
  endpoint: 'HTTP endpoint',
  otel: 'OpenTelemetry',
};

export function renderConfiguration({ options, telemetryKeys, keptTables }) {
  return `# Configuration

<!-- Generated from src/config/schema.ts by scripts/generate-docs.mjs; do not edit. -->

With nothing configured spanprof works: CPU, wall, heap and allocation profiles of 60
seconds as files in \`./profiles\`.

## Sources

An option is looked up in this order; the first source that has it wins.

1. Options in code: \`start({ cpu: { frequencyHertz: 50 } })\`. \`undefined\` means not given.
2. Variables of spanprof: \`SPANPROF_*\`.
3. Variables of other programs, in the order the tables below name them. They are not even checked where
   an option is set above.
4. The TOML file named by \`SPANPROF_CONFIG\`, else \`./spanprof.toml\` if there. At most 256 KiB, UTF-8.
5. The default.

An empty variable counts as not set. Switches in the environment are \`true\`, \`1\`, \`on\`, \`yes\` or \`false\`,
\`0\`, \`off\`, \`no\`, in any case; numbers are decimal, without a unit; lists are separated by commas;
labels are \`name=value,name=value\`. \`OTEL_RESOURCE_ATTRIBUTES\` is percent-decoded; its \`service.name\`
sets \`serviceName\`, everything else in it is a label. Relative paths start at the working directory,
wherever they are written.

Unknown names and values that do not fit are problems: all of them are reported at once, each with
where it came from, and profiling stays off while the application runs as ever. Tokens and
passwords appear in no message. \`SPANPROF_ENABLED=false\` switches everything off before any file is read.

${optionTables(options)}

## TOML

### By option path

Every option stands at its path, with words joined by underscores; camelCase as in code is accepted too.
In strings, \`\${NAME}\` is replaced by the environment variable and \`\${NAME:-default}\` falls back to
the text behind \`:-\` where the variable is not set or empty. A variable that is missing without
a default is a problem. A string with a replacement may stand where a number or a switch is wanted.

\`\`\`toml
${optionExample(options)}\`\`\`

### As \`[telemetry.profiling]\`

A document that describes all telemetry of a system can be used as it is. Its profiling tables mean the
following; where a file uses both spellings for one option, the option path wins.

\`\`\`toml
${telemetryExample(telemetryKeys)}\`\`\`

| key | option | value | meaning |
|---|---|---|---|
${telemetryKeys.map((key) => telemetryRow(key, options)).join('\n')}

${keptTables.map((name) => `\`${name}\``).join(', ')} are accepted with anything in them and kept as written,
placeholders included, in \`config.telemetry\`; spanprof does nothing with them.
`;
}

function optionTables(options) {
  const groups = groupBy(options, groupOf);
  let text = '';
  for (const [group, entries] of groups) {
    text += `## ${GROUP_TITLES[group] ?? group}\n\n`;
    text +=
      '| option | environment | TOML | value | default | meaning |\n|---|---|---|---|---|---|\n';
    text += `${entries.map(optionRow).join('\n')}\n\n`;
  }
  return text.trimEnd();
}

function optionRow({ path, variable, tomlPath, option }) {
  const variables = [variable, ...(option.honours ?? [])].map((name) => `\`${name}\``).join(', ');
  return row(
    `\`${path}\``,
    variables,
    `\`${tomlPath}\``,
    option.kind.expected,
    defaultText(option),
    option.doc,
  );
}

function defaultText(option) {
  if (option.fallbackText !== undefined) return option.fallbackText;
  if (option.fallback === undefined) return 'none';
  return `\`${option.fallback}\``;
}

function telemetryRow({ name, target, kind, doc }, options) {
  const expected = (kind ?? options.find(({ path }) => path === target)?.option.kind)?.expected;
  return row(`\`${name}\``, target === undefined ? 'none' : `\`${target}\``, expected, doc);
}

function optionExample(options) {
  const groups = groupBy(options, groupOf);
  let text = '';
  for (const [group, entries] of groups) {
    if (group !== '') text += `\n[${group}]\n`;
    for (const { tomlPath, option } of entries) {
      text += `${tomlPath.split('.').at(-1)} = ${tomlValue(option.example ?? option.fallback)}\n`;
    }
  }
  return text;
}

function telemetryExample(telemetryKeys) {
  const tables = groupBy(telemetryKeys, ({ name }) => name.slice(0, name.lastIndexOf('.')));
  const parts = [...tables].map(([table, keys]) => {
    const lines = keys.map(
      ({ name, example }) => `${name.split('.').at(-1)} = ${tomlValue(example)}\n`,
    );
    return `[${table}]\n${lines.join('')}`;
  });
  return parts.join('\n');
}

/** Strings, numbers, booleans, lists and flat tables; JSON writes all but the tables as TOML does. */
function tomlValue(value) {
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  const pairs = Object.entries(value).map(([key, inner]) => `${key} = ${tomlValue(inner)}`);
  return `{ ${pairs.join(', ')} }`;
}

export function renderErrors(errors) {
  const rows = Object.entries(errors).map(([code, { message, remedy }]) =>
    row(`\`${code}\``, message, remedy),
  );
  return `# Errors

<!-- Generated from src/errors.ts by scripts/generate-docs.mjs; do not edit. -->

Everything spanprof can complain about. The code is the \`code\` of a \`SpanprofError\` and does not change
between minor versions; words in braces are filled in.

| code | message | remedy |
|---|---|---|
${rows.join('\n')}
`;
}

/** General options first: in TOML they must stand above every table. */
function groupOf({ keys }) {
  return keys.length > 1 ? keys[0] : '';
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

function row(...cells) {
  const escaped = cells.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' '));
  return `| ${escaped.join(' | ')} |`;
}
