// The kitchen screen: what comes over the line goes into the state, the state is drawn, touches go back.
import { isNew } from "./ages.js";
import { Cards } from "./cards.js";
import { help, listen, nextNew } from "./keys.js";
import { ask, Line, Refused } from "./line.js";
import { Sound } from "./sound.js";
import { isAlarming, LINGER_MS, State } from "./state.js";
import { Stock } from "./stock.js";
import { language, speak, t } from "./words.js";

const base = `/kitchen/${location.pathname.split("/").filter(Boolean)[1]}`;
const $ = (id) => document.getElementById(id);
const state = new State();
const random = (bytes) => Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (each) => each.toString(16).padStart(2, "0")).join("");
const screen = localStorage.getItem("agiza.kitchen.screen") || random(4);
localStorage.setItem("agiza.kitchen.screen", screen);

let offset = 0;          // from this device's clock to the server's
let timezone = "UTC";
let name = "";
let trouble = null;      // since when, and in which words
let lastHeard = Date.now();
let isFirstBoard = true;
let isDrawing = false;

const now = () => Date.now() + offset;
const time = (at) => new Date(at).toLocaleTimeString("en-GB", { timeZone: timezone, hour: "2-digit", minute: "2-digit" });

// ---- what is shown ----

function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    const { work, ready } = cards.draw(state, now());
    const fresh = [...state.tickets.values()].filter(isNew).length;
    put($("next-new"), fresh ? t("fresh", { n: fresh }) : "");
    $("nothing").hidden = work.length > 0;
    $("more").hidden = !state.hasMore;
    put($("ready-count"), ready.length ? String(ready.length) : "");
    document.title = fresh ? `(${fresh}) ${name}` : name;
    sound.alarm([...state.tickets.values()].some(isAlarming));
    report();
  });
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
  if (element.hidden === Boolean(text)) element.hidden = !text;
}

function showTrouble(words) {
  if (words === null) trouble = null;
  else trouble = { words, since: trouble ? trouble.since : lastHeard };
  document.body.classList.toggle("stale", trouble !== null);
  put($("line"), t(trouble ? "connecting" : "live"));
  put($("banner"), trouble ? trouble.words(new Date(trouble.since + offset)) : "");
}

const precise = (at) => at.toLocaleTimeString("en-GB", { timeZone: timezone });
const lostWords = (at) => t("lost", { time: precise(at) });
const blindWords = (at) => t("blindSince", { time: precise(at) });

function showSound() {
  const key = { on: "soundOn", off: "soundOff", muted: "soundMuted", none: "soundNone" }[sound.state];
  put($("sound"), t(key));
  $("sound").dataset.state = sound.state;
  $("sound").setAttribute("aria-pressed", String(sound.state === "on"));
}

function announce(ticket) {
  $("news").textContent = t("newTicket", { number: ticket.number, lines: ticket.lines.map((rows) => rows.map((row) => row.trim()).join(", ")).join("; ") });
}

// ---- what comes ----

const line = new Line(base, {
  board(board) {
    offset = Date.parse(board.now) - Date.now();
    ({ timezone } = board.branch);
    ({ name } = board.branch);
    put($("branch"), name);
    const fresh = state.board(board).map((id) => state.tickets.get(id)).filter(isNew);
    stock.set(state.soldOut);
    $("door").hidden = true;
    $("board").hidden = false;
    if (fresh.length) {
      sound.ticket();
      if (!isFirstBoard) announce(fresh[0]);
    }
    isFirstBoard = false;
    tick();
    draw();
  },
  live() {
    lastHeard = Date.now();
    showTrouble(null);
  },
  event(kind, told) {
    lastHeard = Date.now();
    if (kind === "now") { state.now(told, Date.now()); stock.set(state.soldOut); }
    else if (kind === "cart") state.cart(told);
    else if (kind === "gone") state.gone(told.id, Date.now());
    else if (kind === "stock") { state.soldOut = told.sold_out; stock.set(told.sold_out); }
    else if (kind === "beat") {
      offset = Date.parse(told.now) - Date.now();
      showTrouble(told.is_blind ? blindWords : null);
    } else if (kind === "order") heard(told);
    if ([...state.carts.values()].some((cart) => cart.goneAt !== null)) setTimeout(sweep, LINGER_MS + 50);
    if (kind !== "beat") draw();
  },
  lost(error) {
    showTrouble(error instanceof Refused ? () => error.message : lostWords);
  },
  locked() {
    state.board({ tickets: [], carts: [], sold_out: [], has_more: false });
    state.carts.clear();
    $("board").hidden = true;
    $("door").hidden = false;
    showTrouble(null);
    put($("line"), "");
    draw();
    $("key").focus();
    return new Promise((resolve) => { opened = resolve; });
  },
});

function heard(told) {
  const what = state.order(told);
  if (what === "new") {
    sound.ticket();
    announce(state.tickets.get(told.ticket.id));
  } else if (what === "alarm") $("alarms").textContent = t("alarmSaid", { number: told.number });
}

function sweep() {
  if (state.sweep(Date.now())) draw();
}

// ---- what people do ----

const requests = new Map();

async function act(ticket, body) {
  const key = `${ticket.id} ${JSON.stringify(body)}`;
  if (!requests.has(key)) requests.set(key, random(12));
  const sent = { screen, request_id: requests.get(key) };
  const path = `${base}/orders/${ticket.id}${body.act === "own" ? "/own" : ""}`;
  cards.busy(ticket, true);
  try {
    const answer = await twice(() => ask(path, body.act === "own" ? sent : { ...body, ...sent }));
    if (answer.owned_by) state.order({ kind: "owned", id: ticket.id, by: answer.owned_by });
    requests.delete(key);
    cards.say(ticket, "");
  } catch (error) {
    const isAnswer = error instanceof Refused && error.status < 500;
    if (isAnswer) requests.delete(key);
    cards.say(ticket, error instanceof Refused ? (error.status === 409 ? `${t("gone")} ${error.message}` : error.message) : t("notSent"));
  } finally {
    cards.busy(ticket, false);
    draw();
  }
}

/** Once more where nothing was answered: it carries the same id, so it counts once. */
async function twice(send) {
  try {
    return await send();
  } catch (error) {
    if (error instanceof Refused) throw error;
    return send();
  }
}

const reported = new Set();

/** Tell which new tickets are before somebody's eyes. */
async function report() {
  if (document.visibilityState !== "visible" || trouble) return;
  const orders = [...state.tickets.values()]
    .filter((ticket) => ticket.state === "placed" && cards.inView.has(ticket.slot) && !reported.has(ticket.id))
    .map((ticket) => ticket.id).slice(0, 50);
  if (!orders.length) return;
  for (const id of orders) reported.add(id);
  try {
    await ask(`${base}/shown`, { screen, orders });
  } catch {
    for (const id of orders) reported.delete(id);
    setTimeout(report, 2000);
  }
}

let opened = () => {};
$("door").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await ask(`${base}/key`, { key: $("key").value });
    $("key").value = "";
    put($("refused"), "");
    opened();
  } catch (error) {
    put($("refused"), error instanceof Refused ? error.message : t("notSent"));
  }
});

const sound = new Sound(showSound);
const cards = new Cards($("work"), $("ready"), $("card"), { act, seen: () => report() });
const stock = new Stock(base, {
  send: async (body) => (await ask(`${base}/stock`, { ...body, screen, request_id: random(12) })).sold_out,
  time,
});

function showHelp() {
  help($("keys"));
  $("language").textContent = t("language");
  $("help").showModal();
}

function showWords(which) {
  speak(which);
  cards.forget();
  showSound();
  showTrouble(trouble ? trouble.words : null);
  if ($("help").open) { help($("keys")); $("language").textContent = t("language"); }
  draw();
}

$("next-new").addEventListener("click", () => nextNew(document.activeElement.closest(".card")));
$("sound").addEventListener("click", () => sound.toggle());
$("stock-open").addEventListener("click", () => stock.open());
$("help-open").addEventListener("click", showHelp);
$("language").addEventListener("click", () => showWords(language === "en" ? "sw" : "en"));
listen({ act, cards, now, stock: () => stock.open(), help: showHelp, sound: () => sound.toggle() });
document.addEventListener("visibilitychange", () => { draw(); report(); stayAwake(); });
/** A kitchen's tablet must not go to sleep; browsers let it go when the page is hidden, so it is asked again. */
function stayAwake() {
  if (navigator.wakeLock && document.visibilityState === "visible") navigator.wakeLock.request("screen").catch(() => {});
}

function tick() {
  put($("clock"), time(now()));
  cards.tick(now());
}

setInterval(() => { if (!isFirstBoard) tick(); }, 1000);
showWords(language);
put($("line"), t("connecting"));
stayAwake();
line.run();
