// Reads figures off the screen and out of files, and says how a figure is written on a page.

import { readFile } from "node:fs/promises";

/** Figures of the API and what pages call them. */
export const LABELS = {
  gross_displays: "Gross displays",
  net_displays: "Net displays",
  unique_displays: "Unique displays",
  reach: "Reach",
  gross_clicks: "Gross clicks",
  net_clicks: "Net clicks",
  attributed_clicks: "Attributed clicks",
  unattributed_clicks: "Unattributed clicks",
  conversions: "Conversions",
  converted_sessions: "Converted sessions",
  notifications: "Notifications",
};

export const count = (n) => n.toLocaleString("en-GB").replace("-", "−");
export const percent = (ratio) => (ratio === null ? "–" : `${(Math.round(ratio * 1_000) / 10).toFixed(1)}\u00a0%`);

/** The click-through rate before it is rounded for the API. */
export function ctrOf(figures) {
  const [of, all] = figures.reach === undefined ? ["conversions", "unique_displays"] : ["converted_sessions", "reach"];
  return figures[all] === 0 ? null : figures[of] / figures[all];
}

/** How a row of figures of the API is written in a table. */
export function written(figures) {
  const cells = Object.keys(LABELS).filter((name) => name in figures).map((name) => count(figures[name]));
  return "ctr" in figures ? [...cells, percent(ctrOf(figures))] : cells;
}

/** The heads and rows of a table; a row's first cell is its name alone. */
export async function tableOf(table) {
  return table.evaluate((table) => {
    const text = (cell) => (cell.querySelector("a, code") ?? cell).textContent.trim();
    const cells = (row) => [...row.cells].map(text);
    return { head: cells(table.tHead.rows[0]), rows: [...table.tBodies[0].rows].map(cells) };
  });
}

/** The cards with the headline figures, by their labels. */
export async function cardsOf(page) {
  const cards = await page.locator(".card").evaluateAll((cards) =>
    cards.map((card) => {
      const text = (selector) => card.querySelector(selector)?.textContent.trim() ?? null;
      return [text(".term-word"), { value: text(".card-value"), change: text(".card-change") }];
    }),
  );
  return Object.fromEntries(cards);
}

/** The period that the page is about, as the API takes it. */
export async function periodOf(page) {
  const from = await page.getByLabel("From").inputValue();
  const last = await page.getByLabel("to", { exact: true }).inputValue();
  const to = new Date(Date.parse(`${last}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  return { from, to };
}

/** Follows a download link and answers the file's name and rows, the first of which are its heads. */
export async function download(page, link) {
  const [file] = await Promise.all([page.waitForEvent("download"), link.click()]);
  const text = await readFile(await file.path(), "utf8");
  return { name: file.suggestedFilename(), text, rows: parseCsv(text) };
}

/** Parses RFC 4180. */
export function parseCsv(text) {
  const rows = [[]];
  let cell = "";
  let isQuoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (isQuoted && c === '"' && text[i + 1] === '"') {
      cell += '"';
      i += 1;
    } else if (c === '"') {
      isQuoted = !isQuoted;
    } else if (isQuoted || !",\r\n".includes(c)) {
      cell += c;
    } else if (c !== "\r") {
      rows.at(-1).push(cell);
      cell = "";
      if (c === "\n") rows.push([]);
    }
  }
  rows.pop();
  return rows;
}

/** The rows of a file of figures as a page writes them, without their heads. */
export function writtenFile({ rows: [head, ...rows] }) {
  const names = Object.keys(LABELS).filter((name) => head.includes(name));
  return rows.map((row) => {
    const figures = Object.fromEntries(names.map((name) => [name, Number(row[head.indexOf(name)])]));
    return written(head.includes("ctr") ? { ...figures, ctr: null } : figures);
  });
}
