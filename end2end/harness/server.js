// Starts the release binary on a database of its own, with the demo in it, before the first journey; ends it after the last.

import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const START_MS = 20_000;

/** The binary that `REACHLINE_BINARY` names, else the one that `make build` leaves. */
function binary() {
  const path = process.env.REACHLINE_BINARY ?? join(resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target"), "release/reachline");
  if (!existsSync(path)) throw new Error(`there is no ${path}: run make build, or set REACHLINE_BINARY`);
  return path;
}

function freePort() {
  return new Promise((done, failed) => {
    const probe = createServer().on("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

async function ready(url, server, log) {
  const end = Date.now() + START_MS;
  while (Date.now() < end && server.exitCode === null) {
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`the server did not start:\n${readFileSync(log, "utf8")}`);
}

export default async function start() {
  const directory = mkdtempSync(join(tmpdir(), "reachline-end2end-"));
  const url = `http://127.0.0.1:${await freePort()}`;
  const own = {
    REACHLINE_DATABASE_URL: `sqlite://${directory}/reachline.db`,
    REACHLINE_ADDR: new URL(url).host,
  };
  const foreign = ([name]) => !name.startsWith("REACHLINE_");
  const env = { ...Object.fromEntries(Object.entries(process.env).filter(foreign)), ...own };
  const options = { cwd: directory, env };
  execFileSync(binary(), ["migrate"], options);
  const demo = JSON.parse(execFileSync(binary(), ["demo", "--json"], { ...options, encoding: "utf8" }));

  const log = join(directory, "log");
  const output = openSync(log, "w");
  const server = spawn(binary(), ["serve"], { ...options, stdio: ["ignore", output, output] });
  closeSync(output);
  const ended = new Promise((done) => server.once("exit", done));
  const stop = async () => {
    server.kill("SIGTERM");
    const timer = setTimeout(() => server.kill("SIGKILL"), 12_000);
    await ended;
    clearTimeout(timer);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await ready(url, server, log);
  } catch (error) {
    await stop();
    throw error;
  }
  // The workers read it in fixtures.js.
  process.env.END2END_SERVER = JSON.stringify({ url, demo, binary: binary(), env });
  return stop;
}
