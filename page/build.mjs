// Bundles the scripts of the page into the one file that ships; the same sources give the same bytes.
// With --check nothing is written: it fails where the file is not what the sources give.

import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUTPUT = join(HERE, "../faultmap_assets/report/page.js");
const ALLOWED = new Set(["MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD"]);

const options = {
  absWorkingDir: HERE,
  entryPoints: ["src/main.ts"],
  outfile: OUTPUT,
  bundle: true,
  format: "iife",
  target: "es2022",
  // The page is UTF-8.
  charset: "utf8",
  minify: true,
  lineLimit: 160,
  legalComments: "none",
  metafile: true,
  write: false,
  logLevel: "warning",
};

const { metafile } = await build(options);
const bundle = await build({ ...options, banner: { js: await notices(Object.keys(metafile.inputs)) } });
const [{ text }] = bundle.outputFiles;
if (process.argv.includes("--check")) {
  if (text !== (await readFile(OUTPUT, "utf8"))) {
    console.error("faultmap_assets/report/page.js is not what page/src gives: run `make page` and commit it");
    process.exitCode = 1;
  }
} else {
  await writeFile(OUTPUT, text);
}

/** The licences of the packages that are in the bundle, as their authors ask for. */
async function notices(inputs) {
  const packages = inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean);
  const told = [];
  for (const name of [...new Set(packages)].sort()) {
    const folder = join(HERE, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    if (!ALLOWED.has(license)) throw new Error(`${name} ${version}: the licence ${license} is not one that may ship`);
    const text = (await readFile(join(folder, "LICENSE"), "utf8")).replaceAll("*/", "* /").trim();
    told.push(`/*!\n${name} ${version}\n\n${text}\n*/`);
  }
  return told.join("\n");
}
