// Writes the files of the status page into one module as strings, so that a bundled application has them too: its scripts, and
// uPlot's script and style sheet with the licence.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CLIENT = new URL('../src/serve/status/client/', import.meta.url);
const UPLOT = new URL('../node_modules/uplot/', import.meta.url);
const MODULE = fileURLToPath(new URL('../dist/src/serve/status/page-files.cjs', import.meta.url));

const licence = `/*\n${readFileSync(new URL('LICENSE', UPLOT), 'utf8').trim()}\n*/\n`;
const files = {
  'uplot.js': licence + readFileSync(new URL('dist/uPlot.iife.min.js', UPLOT), 'utf8'),
  'uplot.css': licence + readFileSync(new URL('dist/uPlot.min.css', UPLOT), 'utf8'),
};
for (const name of readdirSync(CLIENT)) files[name] = readFileSync(new URL(name, CLIENT), 'utf8');
writeFileSync(MODULE, `module.exports = ${JSON.stringify(files, null, 1)};\n`);
