// Bundles what the pages load: names carry a hash of the content, texts are compressed once and for all.
// Run by `make assets`: node build.mjs TARGET, in a folder with the packages of package-lock.json.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const [packages, target] = process.argv.slice(2).map((path) => resolve(path));
const source = fileURLToPath(new URL('.', import.meta.url));
const { build } = await import(join(packages, 'esbuild/lib/main.js'));
const fresh = `${target}.new`;

const common = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  absWorkingDir: source,
  nodePaths: [packages],
  outdir: fresh,
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file', '.ttf': 'file', '.svg': 'dataurl', '.png': 'dataurl' },
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none', // whole licence texts are in licences.txt
  metafile: true,
  logLevel: 'warning',
};

await rm(fresh, { recursive: true, force: true });
await mkdir(fresh, { recursive: true });

const workers = await build({
  ...common,
  entryNames: '[name]-[hash]',
  entryPoints: [
    join(packages, 'monaco-editor/esm/vs/editor/editor.worker.js'),
    join(packages, 'monaco-editor/esm/vs/language/json/json.worker.js'),
    join(packages, 'monaco-graphql/esm/graphql.worker.js'),
  ],
});
const files = entries(workers);
const pages = await build({
  ...common,
  entryNames: '[name]-[hash]',
  entryPoints: ['site.css', 'site.js', 'map.js', 'chart.js', 'explorer.jsx'].map((name) => `src/${name}`),
  define: {
    ...common.define,
    WORKERS: JSON.stringify({
      editor: files['editor.worker.js'],
      json: files['json.worker.js'],
      graphql: files['graphql.worker.js'],
    }),
  },
});
Object.assign(files, entries(pages));

const inputs = [...Object.keys(workers.metafile.inputs), ...Object.keys(pages.metafile.inputs)];
const licences = Buffer.from(await licenceTexts(inputs));
files['licences.txt'] = `licences-${createHash('sha256').update(licences).digest('hex').slice(0, 8)}.txt`;
await writeFile(join(fresh, files['licences.txt']), licences);

for (const name of await readdir(fresh)) {
  if (['.js', '.css', '.txt'].includes(extname(name))) await compress(join(fresh, name));
}
await writeFile(join(fresh, 'manifest.json'), JSON.stringify(files, null, 1));
await rm(target, { recursive: true, force: true });
await rename(fresh, target);

// {entry's name: file name with hash}; a script's styles stand beside it under its name
function entries({ metafile }) {
  const found = {};
  for (const [path, output] of Object.entries(metafile.outputs)) {
    if (!output.entryPoint) continue;
    const name = basename(output.entryPoint).replace(/\.jsx$/, '.js');
    found[name] = basename(path);
    if (output.cssBundle) found[name.replace(/\.js$/, '.css')] = basename(output.cssBundle);
  }
  return found;
}

async function compress(path) {
  const text = await readFile(path);
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: text.length > 2 ** 20 ? 9 : 11 } };
  await writeFile(`${path}.br`, brotliCompressSync(text, options));
  await writeFile(`${path}.gz`, gzipSync(text, { level: 9 }));
}

async function licenceTexts(paths) {
  const folders = new Map();
  for (const path of paths) {
    for (const found of path.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)) {
      folders.set(found[1], resolve(source, path.slice(0, found.index + found[0].length)));
    }
  }
  const parts = ['Third-party software in the pages of this node.\n'];
  for (const [name, folder] of [...folders].sort()) {
    const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}'));
    if (!version) continue; // a folder of that name inside a package
    const file = (await readdir(folder)).find((one) => /^licen[cs]e/i.test(one));
    const text = file ? await readFile(join(folder, file), 'utf8') : '';
    parts.push(`${'='.repeat(78)}\n${name} ${version}, ${license}\n\n${text.trim()}\n`);
  }
  return parts.join('\n');
}
