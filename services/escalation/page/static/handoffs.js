// Shows what waits and sends what people do. Text comes from callers, so it is only ever set as text.
"use strict";

const REASONS = {
  caller_asked: "Asked for a person", allergy_or_medical: "Allergy or health", payment: "Payment",
  complaint: "Complaint", not_understood: "Not understood", abuse: "Rude caller", special_request: "Special wish",
  high_value: "Large order", order_not_accepted: "Order not accepted", technical: "Line trouble",
  callback: "Wants a call back",
};
const STATES = {
  requested: "ringing soon", leaving: "ringing soon", dial_served: "ringing", connected: "on the phone",
  failed: "nobody reached", callback: "to be rung back", closed: "over", waiting: "to be rung back",
  calling: "being rung back",
};
const EVERY_MS = 2000;
const branch = location.pathname.split("/").filter(Boolean)[1];
const base = `/handoffs/${branch}`;
const $ = (id) => document.getElementById(id);
const cards = new Map();

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", body: JSON.stringify(body),
    headers: { "content-type": "application/json", "x-requested-by": "handoffs" },
  };
  const response = await fetch(base + path, { ...options, signal: AbortSignal.timeout(8000) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.detail || response.statusText), { status: response.status });
  return answer;
}

function age(since, now) {
  const seconds = Math.max(0, Math.round((now - new Date(since)) / 1000));
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function list(into, texts, classes = []) {
  into.replaceChildren(...texts.map((text, index) => {
    const item = document.createElement("li");
    item.textContent = text;
    if (classes[index]) item.className = classes[index];
    return item;
  }));
}

function makeCard(matter) {
  const card = $("card").content.firstElementChild.cloneNode(true);
  card.dataset.id = matter.id;
  card.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-act]");
    if (button) act(card, button);
  });
  return card;
}

async function act(card, button) {
  const said = card.querySelector(".said");
  const by = $("me").value.trim();
  if (!by) { said.textContent = "Type your name at the top first."; $("me").focus(); return; }
  const action = button.dataset.act;
  if (action === "discard" && !confirm("Drop this cart?")) return;
  button.disabled = true;
  try {
    const answer = await ask(`/matters/${card.dataset.id}/${action}`, { by, request_id: requestId(card, action) });
    said.textContent = answer.message || (action === "take" ? `Taken by ${answer.taken_by}` : "Done");
    if (answer.status !== "refused" && answer.status !== "ask") delete card.dataset[`request${action}`];
    await refresh();
  } catch (error) {
    said.textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

// A click that had no answer is sent again under the same id, so that it counts once.
function requestId(card, action) {
  const key = `request${action}`;
  card.dataset[key] ||= Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
  return card.dataset[key];
}

function fill(card, matter, now) {
  card.className = matter.is_open ? (matter.taken_by ? "taken" : "") : "over";
  card.querySelector(".reason").textContent = REASONS[matter.reason] || matter.reason;
  const time = card.querySelector(".age");
  time.textContent = age(matter.since, now);
  time.dateTime = matter.since;
  const parts = [matter.caller || "number withheld", STATES[matter.state] || matter.state];
  if (matter.contact) parts.push(matter.contact);
  if (matter.taken_by) parts.push(`taken by ${matter.taken_by}`);
  if (matter.callback && matter.is_open) {
    const by = new Date(matter.callback.promised_for).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    parts.push(`promised by ${by}`);
  }
  card.querySelector(".who").textContent = parts.join(" · ");
  card.querySelector(".summary").textContent = matter.summary;
  const cart = matter.cart;
  const hasLines = Boolean(cart && cart.lines.length);
  card.querySelector(".cart").hidden = !(cart && (hasLines || cart.placed.length));
  if (cart) {
    list(card.querySelector(".cart ul"), [...cart.lines, ...cart.placed.map((number) => `order ${number} is placed`)]);
    card.querySelector(".total").textContent = cart.total ? `${cart.total} · ${cart.fulfilment || "how?"}` : "";
  }
  list(card.querySelector(".words"), matter.transcript.map((turn) => `${turn.who}: ${turn.text}`),
       matter.transcript.map((turn) => turn.who));
  card.querySelector("details").hidden = matter.transcript.length === 0;
  const shown = { take: matter.is_open && !matter.taken_by,
                  place: hasLines, discard: hasLines, close: matter.is_open };
  for (const button of card.querySelectorAll("button[data-act]")) button.hidden = !shown[button.dataset.act];
}

function show(answer) {
  const now = new Date(answer.now);
  const seen = new Set();
  const main = $("matters");
  for (const matter of answer.matters) {
    let card = cards.get(matter.id);
    if (!card) cards.set(matter.id, card = makeCard(matter));
    fill(card, matter, now);
    seen.add(matter.id);
  }
  for (const [id, card] of cards) if (!seen.has(id)) { card.remove(); cards.delete(id); }
  const wanted = answer.matters.map((matter) => cards.get(matter.id));
  wanted.forEach((card, index) => { if (main.children[index] !== card) main.insertBefore(card, main.children[index] || null); });
  let none = main.querySelector(".none");
  if (!wanted.length && !none) {
    none = document.createElement("p");
    none.className = "none";
    none.textContent = "Nobody waits.";
    main.append(none);
  } else if (wanted.length && none) none.remove();
  const open = answer.matters.filter((matter) => matter.is_open).length;
  document.title = open ? `(${open}) Callers who need a person` : "Callers who need a person";
}

function say(text, bad) {
  $("line").textContent = text;
  $("line").classList.toggle("bad", bad);
}

async function refresh() {
  try {
    show(await ask("/matters"));
    $("door").hidden = true;
    say("live", false);
  } catch (error) {
    if (error.status === 401) { $("door").hidden = false; $("matters").replaceChildren(); cards.clear(); say("", false); }
    else say("No connection. Trying again …", true);
  }
}

$("door").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await ask("/key", { key: $("key").value });
    $("key").value = "";
    $("refused").textContent = "";
    await refresh();
  } catch (error) {
    $("refused").textContent = error.message;
  }
});
$("branch").textContent = branch;
$("me").value = localStorage.getItem("agiza.me") || "";
$("me").addEventListener("change", () => localStorage.setItem("agiza.me", $("me").value.trim()));
(async function watch() {
  for (;;) {
    if ($("door").hidden || !cards.size) await refresh();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
})();
