// Runs the specs; none is a failure.
import { readdirSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const folder = new URL('.', import.meta.url).pathname;
const files = readdirSync(folder).filter((name) => name.endsWith('.spec.mjs')).map((name) => folder + name);
let [passed, failed] = [0, 0];
const stream = run({ files, isolation: 'none' });
// A file without tests passes as one that is called after it.
stream.on('test:pass', (event) => { if (event.details.type !== 'suite' && !event.name.endsWith('.mjs')) passed += 1; });
stream.on('test:fail', () => { failed += 1; });
stream.on('end', () => { process.exitCode = failed > 0 || passed === 0 ? 1 : 0; });
stream.compose(spec).pipe(process.stdout);
