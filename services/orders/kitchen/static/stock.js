// The sold-out panel: a search over the menu, and a switch for each of it.
import { ask } from "./line.js";
import { t } from "./words.js";

const SHOWN_MAX = 40;

export class Stock {
  /** `send(body)` sets something and gives what is sold out then; `time(iso)` is a moment as the branch reads it. */
  constructor(base, { send, time }) {
    this.base = base;
    this.send = send;
    this.time = time;
    this.dialog = document.getElementById("stock");
    this.search = document.getElementById("stock-search");
    this.list = document.getElementById("stock-list");
    this.said = document.getElementById("stock-said");
    this.soldOut = [];
    this.entries = null;
    this.search.addEventListener("input", () => this.draw());
    this.list.addEventListener("click", (event) => this.#touched(event));
  }

  async open() {
    this.search.value = "";
    this.search.placeholder = t("search");
    this.said.textContent = "";
    this.draw();
    this.dialog.showModal();
    this.search.focus();
    try {
      this.entries = (await ask(`${this.base}/menu`)).entries;
      this.draw();
    } catch (error) {
      this.said.textContent = error.status ? error.message : t("notSent");
    }
  }

  /** What is sold out now. */
  set(soldOut) {
    this.soldOut = soldOut;
    const count = document.getElementById("stock-count");
    count.textContent = String(soldOut.length);
    count.hidden = !soldOut.length;
    if (this.dialog.open) this.draw();
  }

  draw() {
    const out = new Map(this.soldOut.map((each) => [each.entry, each]));
    const wanted = this.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const known = this.entries || [];
    const names = new Set(known.map((each) => each.entry));
    const lost = this.soldOut.filter((each) => !names.has(each.entry))
      .map((each) => ({ ...each, kind: each.entry.includes("/") ? "option" : "item", kitchen: null, group: null }));
    const fits = (each) => {
      const text = `${each.name} ${each.kitchen || ""} ${each.group || ""} ${each.entry}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    };
    const found = [...lost, ...known].filter(fits);
    found.sort((a, b) => out.has(b.entry) - out.has(a.entry) || (a.kind === "option") - (b.kind === "option"));
    const rows = found.slice(0, SHOWN_MAX).map((each) => this.#row(each, out.get(each.entry)));
    if (!rows.length && this.entries) {
      const none = document.createElement("li");
      none.textContent = t("noMatch");
      rows.push(none);
    }
    this.list.replaceChildren(...rows);
  }

  #row(entry, out) {
    const row = document.createElement("li");
    row.dataset.entry = entry.entry;
    row.dataset.kind = entry.kind;
    const name = document.createElement("p");
    const strong = document.createElement("b");
    strong.textContent = entry.name;
    name.append(strong);
    if (entry.group) name.append(` (${entry.group})`);
    const choices = out ? [["in", "inAgain"]] : [["day", "outDay"], ["hour", "outHour"], ["open", "outOpen"]];
    if (out) {
      row.className = "out";
      const until = document.createElement("span");
      until.textContent = ` ${t("soldOut")} ${out.until ? t("until", { time: this.time(out.until) }) : t("untilSaid")}`;
      name.append(until);
    }
    row.append(name, ...choices.map(([lasts, words]) => {
      const button = document.createElement("button");
      button.dataset.lasts = lasts;
      button.textContent = t(words);
      return button;
    }));
    return row;
  }

  async #touched(event) {
    const button = event.target.closest("button[data-lasts]");
    if (!button) return;
    const { entry, kind } = button.closest("li").dataset;
    const { lasts } = button.dataset;
    button.disabled = true;
    try {
      const isOut = lasts !== "in";
      this.set(await this.send({ kind, entry, sold_out: isOut, lasts: isOut ? lasts : "open" }));
      this.said.textContent = "";
    } catch (error) {
      this.said.textContent = error.status ? error.message : t("notSent");
      button.disabled = false;
    }
    this.search.focus();
  }
}
