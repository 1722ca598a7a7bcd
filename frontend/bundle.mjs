// Makes the site's files of the compiled wasm and of style/: small, named after their content, compressed ahead of time.
// A step whose input is unchanged is not repeated.
//
//   node bundle.mjs WASM WASM_BINDGEN TOOLS OUT
//
// TOOLS holds node_modules with this directory's packages. OUT/site.tsv lists the files for server/build.rs, one line
// each: role, name, content type. Beside NAME lie NAME.br and NAME.gz where they are smaller.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [wasm, bindgen, tools, out] = process.argv.slice(2).map((path) => resolve(path));
const here = dirname(fileURLToPath(import.meta.url));
const styles = join(here, "..", "style");
const work = `${out}.work`;
const esbuild = createRequire(join(tools, "package.json"))("esbuild");

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};
// What Rust's wasm32-unknown-unknown may emit; all browsers since 2022 know it.
const FEATURES = ["bulk-memory", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext"];

const digest = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");
const say = (text) => console.error(`    ${text}`);
const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`;

/** Runs `make` unless `directory` was made of the same `key`; a broken run leaves nothing behind that looks whole. */
function once(directory, key, make) {
  const stamp = join(directory, "stamp");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return;
  const fresh = `${directory}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  make(fresh);
  writeFileSync(join(fresh, "stamp"), key);
  rmSync(directory, { recursive: true, force: true });
  renameSync(fresh, directory);
}

function files(directory) {
  const all = existsSync(directory) ? readdirSync(directory, { recursive: true }) : [];
  return all.map((name) => join(directory, name)).filter((path) => statSync(path).isFile()).sort();
}

function bind(directory) {
  say("wasm-bindgen");
  execFileSync(bindgen, [wasm, "--target=web", "--no-typescript", `--out-dir=${directory}`, "--out-name=reachline"]);
  const bound = join(directory, "reachline_bg.wasm");
  const before = statSync(bound).size;
  const optimizer = join(tools, "node_modules", "binaryen", "bin", "wasm-opt");
  execFileSync(process.execPath, [optimizer, "-Oz", ...FEATURES.map((name) => `--enable-${name}`), bound, "-o", bound]);
  say(`wasm-opt: ${kib(before)} -> ${kib(statSync(bound).size)}`);
}

/** Bundles one entry with esbuild and returns the file it makes; what it refers to (fonts, images) is written beside. */
function bundle(directory, options) {
  const built = esbuild.buildSync({
    bundle: true,
    minify: true,
    legalComments: "none",
    target: ["es2022", "chrome107", "firefox104", "safari16"],
    loader: { ".woff2": "file", ".png": "file", ".svg": "file" },
    assetNames: "[name]-[hash]",
    publicPath: "/assets",
    outdir: directory,
    write: false,
    logLevel: "warning",
    ...options,
  });
  const [main, ...others] = built.outputFiles.sort((a, b) => Number(isMain(b.path)) - Number(isMain(a.path)));
  const lines = others.map(({ path, contents }) => write(directory, "other", basename(path), contents));
  return { text: main.text, lines };
}

const isMain = (path) => [".css", ".js"].includes(extname(path));

/** Writes a file and its compressed forms; returns its line of site.tsv. */
function write(directory, role, name, contents) {
  const data = Buffer.from(contents);
  const path = join(directory, name);
  writeFileSync(path, data);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length };
  const forms = { br: brotliCompressSync(data, { params }), gz: gzipSync(data, { level: 9 }) };
  for (const [suffix, form] of Object.entries(forms)) {
    if (form.length < data.length) writeFileSync(`${path}.${suffix}`, form);
  }
  say(`${name}: ${kib(data.length)}, brotli ${kib(forms.br.length)}, gzip ${kib(forms.gz.length)}`);
  return [role, name, TYPES[extname(name)] ?? "application/octet-stream"].join("\t");
}

function assemble(directory) {
  const hashed = (name, contents) => name.replace(/(\.\w+)$/, `-${digest(contents).slice(0, 12)}$1`);
  const add = (role, name, contents) => {
    const unique = hashed(name, contents);
    lines.push(write(directory, role, unique, contents));
    return `/assets/${unique}`;
  };
  const lines = [];
  const module = add("wasm", "reachline.wasm", readFileSync(join(bound, "reachline_bg.wasm")));
  const start = `
    import init, { hydrate } from "./reachline.js";
    await init({ module_or_path: ${JSON.stringify(module)} });
    hydrate();
    document.documentElement.dataset.hydrated = "";`;
  const script = bundle(directory, { stdin: { contents: start, resolveDir: bound }, format: "esm" });
  add("script", "reachline.js", script.text);
  const style = bundle(directory, { entryPoints: [join(styles, "main.css")] });
  add("style", "reachline.css", style.text);
  const icon = join(styles, "favicon.svg");
  if (existsSync(icon)) add("icon", "favicon.svg", readFileSync(icon));
  lines.push(...script.lines, ...style.lines);
  writeFileSync(join(directory, "site.tsv"), `${[...new Set(lines)].join("\n")}\n`);
}

const lock = readFileSync(join(here, "package-lock.json"));
const self = readFileSync(fileURLToPath(import.meta.url));
const bound = join(work, "bound");
const boundKey = digest(readFileSync(wasm), bindgen, lock, self);
mkdirSync(work, { recursive: true });
once(bound, boundKey, bind);
const styleParts = files(styles).flatMap((path) => [relative(styles, path), readFileSync(path)]);
once(out, digest(boundKey, ...styleParts), assemble);
