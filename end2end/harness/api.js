// The server as programs see it: its commands and its API. What a page shows is held against this.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { expect } from "@playwright/test";

/** Longest that a command may take: one that hangs is to be told from a slow page. */
const COMMAND_MS = 30_000;
const PASSWORD = "a few words in a row";

/** The installation under test: `reachline` commands that make what a journey needs for itself. */
export class Installation {
  constructor({ url, demo, binary, env }) {
    Object.assign(this, { url, demo, binary, env });
  }

  /** Runs a command with `--json` and answers what it prints. */
  command(args, input = "") {
    return new Promise((done, failed) => {
      const options = { env: this.env, encoding: "utf8", timeout: COMMAND_MS, killSignal: "SIGKILL" };
      const child = execFile(this.binary, [...args, "--json"], options, (error, stdout, stderr) => {
        if (error) failed(new Error(`reachline ${args.join(" ")}: ${error.signal ?? ""} ${stdout}${stderr}`));
        else done(JSON.parse(stdout));
      });
      // A command that takes no input may be gone by now.
      child.stdin.on("error", () => {}).end(input);
    });
  }

  /** A customer that no other journey knows of. */
  async customer({ name = unique("Customer"), timeZone = "UTC" } = {}) {
    const { id } = await this.command(["customer", "create", "--name", name, "--time-zone", timeZone]);
    return { id, name, timeZone };
  }

  /** An application that the server knows of: a process of its own makes it, and it takes the server up to a second to hear. */
  async application(customer, { name = "web", tier = "production" } = {}) {
    const made = await this.command(["application", "create", "--customer", customer.id, "--name", name, "--tier", tier]);
    await this.api(made);
    return made;
  }

  async user({ role, customer, name = "Tess Test" }) {
    const email = `${randomUUID()}@example.org`;
    const whose = customer ? ["--customer", customer.id] : [];
    const args = ["user", "create", "--email", email, "--name", name, "--role", role, "--password-stdin", ...whose];
    const { id } = await this.command(args, PASSWORD);
    return { id, email, name, password: PASSWORD };
  }

  /** The demo's application of a name, with its secret. */
  demoApplication(name) {
    return this.demo.applications.find((application) => application.name === name);
  }

  /** A client of the API with an application's credentials. */
  async api(application) {
    let token;
    await expect(async () => {
      const answer = await requestToken(this.url, application);
      expect(answer.status).toBe(200);
      token = (await answer.json()).access_token;
    }).toPass({ intervals: [50, 100, 200], timeout: 10_000 });
    return new Api(this.url, token);
  }
}

/** Asks for a token with an application's credentials. */
export function requestToken(url, { client_id, client_secret }) {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret });
  return fetch(`${url}/oauth/token`, { method: "POST", body });
}

export class Api {
  constructor(url, token) {
    Object.assign(this, { url, token });
  }

  async get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const answer = await fetch(`${this.url}${path}?${new URLSearchParams(given)}`, { headers: this.headers() });
    expect(answer.status, `${path} ${JSON.stringify(query)}`).toBe(200);
    return answer.headers.get("content-type").startsWith("text/csv") ? answer.text() : answer.json();
  }

  summary(query) {
    return this.get("/v1/analytics/summary", query);
  }

  timeseries(query) {
    return this.get("/v1/analytics/timeseries", query);
  }

  breakdown(query) {
    return this.get("/v1/analytics/breakdown", query);
  }

  /** The first helplines of a country. */
  async helplines(country_code) {
    return (await this.get("/v1/helplines", { country_code })).helplines;
  }

  /** Posts events, each an object with its `type`; counts the API's words on them. */
  async post(events) {
    const counts = { accepted: 0, duplicate: 0, rejected: 0 };
    const answers = events.map(({ type, ...event }) =>
      fetch(`${this.url}/v1/events/${type}`, {
        method: "POST",
        headers: { ...this.headers(), "Content-Type": "application/json" },
        body: JSON.stringify(event),
      }),
    );
    for (const answer of await Promise.all(answers)) {
      expect([202, 422]).toContain(answer.status);
      counts[answer.status === 202 ? (await answer.json()).status : "rejected"] += 1;
    }
    return counts;
  }

  /** Posts events that must all be accepted, and waits until they are in the figures. */
  async record(events, tier = "production") {
    const period = { from: dayOf(Date.now() - 40 * DAY_MS), to: dayOf(Date.now() + 2 * DAY_MS), tier };
    const recorded = async () => {
      const { figures } = await this.summary(period);
      return figures.gross_displays + figures.gross_clicks;
    };
    const before = await recorded();
    expect((await this.post(events)).accepted).toBe(events.length);
    await expect.poll(recorded, { intervals: [50, 100, 200] }).toBe(before + events.length);
  }

  headers() {
    return { Authorization: `Bearer ${this.token}` };
  }
}

export const DAY_MS = 86_400_000;

/** The calendar date of an instant, such as `2026-11-24`. */
export function dayOf(instant, timeZone = "UTC") {
  return new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }).format(instant);
}

/** The date so many days later. */
export function plusDays(day, days) {
  return dayOf(Date.parse(`${day}T12:00:00Z`) + days * DAY_MS);
}

/** The period of the same length just before. */
export function periodBefore({ from, to }) {
  const days = Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
  return { from: plusDays(from, -days), to: from };
}

/** A name that nothing else in the installation has. */
export function unique(what) {
  return `${what} ${randomUUID().slice(0, 8)}`;
}

export function display(helpline, session, instant = Date.now()) {
  const timestamp = new Date(instant).toISOString();
  return { type: "helpline-display", helpline_id: helpline.id, session_id: session, timestamp };
}

export function click(helpline, session, instant = Date.now(), contact_method = "phone") {
  return { ...display(helpline, session, instant), type: "helpline-click", contact_method };
}
