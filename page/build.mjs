// Makes the types of the document from its schema, and bundles the scripts of the page into the one file that ships; the
// same sources give the same bytes. With --check nothing is written: it fails where a file is not what its sources give.

import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { compileFromFile } from "json-schema-to-typescript";

const HERE = dirname(fileURLToPath(import.meta.url));
const REPORT = join(HERE, "../faultmap_assets/report");
const ALLOWED = new Set(["MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD"]);

const options = {
  absWorkingDir: HERE,
  entryPoints: ["src/main.ts"],
  outfile: join(REPORT, "page.js"),
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

const types = await compileFromFile(join(REPORT, "report.schema.json"), {
  additionalProperties: false,
  bannerComment:
    "// The document of a report, made from report.schema.json by `make page`: what is not there is not in the document.",
  style: { printWidth: 120 },
});
await made("page/src/data/document.ts", join(HERE, "src/data/document.ts"), types);
const { metafile } = await build(options);
const bundle = await build({ ...options, banner: { js: await notices(Object.keys(metafile.inputs)) } });
await made("faultmap_assets/report/page.js", options.outfile, bundle.outputFiles[0].text);

/** Write a file, or say that it is not as it would be written. */
async function made(name, path, text) {
  if (!process.argv.includes("--check")) return writeFile(path, text);
  if (text === (await readFile(path, "utf8"))) return;
  console.error(`${name} is not what its sources give: run \`make page\` and commit it`);
  process.exitCode = 1;
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
