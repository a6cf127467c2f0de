// Cards of tickets and carts. Only what has changed is touched; text comes from menus and callers and is only ever set as text.
import { age, due, isNew } from "./ages.js";
import { isAlarming, order } from "./state.js";
import { t } from "./words.js";

const MINUTES = [10, 15, 20, 30, 45];
const REASONS = ["busy", "sold_out", "closed", "too_far", "unclear", "duplicate", "other"];

/** The button that is nearest to what the caller was promised. */
export function promisedMinutes(ticket, now) {
  const left = due(ticket) === null ? MINUTES[1] : (due(ticket) - now) / 60000;
  return MINUTES.reduce((best, each) => (Math.abs(each - left) < Math.abs(best - left) ? each : best));
}

/** What a touch does for this ticket: [name, body, is it the main one]. Keys use the same list. */
export function actions(ticket) {
  if (ticket.state === "cancel_requested") return [["cancel", { act: "cancel" }, true], ["tooLate", { act: "ready" }]];
  if (ticket.state === "accepted") return [["ready", { act: "ready" }, true], ["preparing", { act: "preparing" }]];
  if (ticket.state === "preparing") return [["ready", { act: "ready" }, true]];
  if (ticket.state === "ready") return [["completed", { act: "completed" }, true], ["recall", { act: "preparing" }]];
  return [];
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
  if (element.hidden === Boolean(text)) element.hidden = !text;
}

export class Cards {
  /** `act(ticket, body)` is asked for each touch; `seen()` when a card has come into view. */
  constructor(work, ready, template, { act, seen }) {
    this.work = work;
    this.ready = ready;
    this.template = template;
    this.cards = new Map();
    this.act = act;
    this.now = 0;
    this.inView = new Set();
    this.observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const card = target.closest(".card");
        if (card && isIntersecting) this.inView.add(card.dataset.slot);
        else if (card) this.inView.delete(card.dataset.slot);
      }
      seen();
    });
    for (const list of [work, ready]) list.addEventListener("click", (event) => this.#touched(event));
  }

  draw(state, now) {
    this.now = now;
    const focused = document.activeElement && document.activeElement.closest(".card");
    const things = [...state.carts.values(), ...state.tickets.values()].sort(order);
    const wanted = { work: [], ready: [] };
    const slots = new Set();
    for (const thing of things) {
      const card = this.cards.get(thing.slot) || this.#make(thing.slot);
      card.thing = thing;
      slots.add(thing.slot);
      this.#fill(card, now);
      wanted[thing.state === "ready" ? "ready" : "work"].push(card);
    }
    for (const [slot, card] of this.cards) if (!slots.has(slot)) this.#drop(slot, card);
    const place = focused ? [...this.work.children].indexOf(focused) : -1;
    arrange(this.work, wanted.work);
    arrange(this.ready, wanted.ready);
    if (focused && (!focused.isConnected || place >= 0 && focused.parentNode !== this.work)) {
      const next = this.work.children[Math.min(Math.max(place, 0), this.work.children.length - 1)] || this.ready.firstElementChild;
      if (next) next.focus();
    } else if (focused && !focused.contains(document.activeElement)) focused.focus();
    return wanted;
  }

  /** The minutes go on: texts and colours of ages, nothing else. */
  tick(now) {
    this.now = now;
    for (const card of this.cards.values()) if (card.thing.number) this.#age(card, now);
  }

  /** All cards anew, in another language. */
  forget() {
    for (const card of this.cards.values()) card.signature = "";
  }

  busy(ticket, isBusy) {
    const card = this.cards.get(ticket.slot);
    if (card) card.classList.toggle("busy", isBusy);
  }

  say(ticket, text) {
    const card = this.cards.get(ticket.slot);
    if (card) put(card.querySelector(".said"), text);
  }

  /** Show reasons instead of the buttons, or the buttons again. */
  reasons(card, isOpen) {
    card.isRejecting = isOpen;
    this.#fill(card, this.now);
    const first = card.querySelector(".acts button");
    if (isOpen && first) first.focus();
    else card.focus();
  }

  #make(slot) {
    const card = this.template.content.firstElementChild.cloneNode(true);
    card.dataset.slot = slot;
    this.cards.set(slot, card);
    this.observer.observe(card.querySelector("header"));
    return card;
  }

  #drop(slot, card) {
    this.observer.unobserve(card.querySelector("header"));
    this.inView.delete(slot);
    this.cards.delete(slot);
    card.remove();
  }

  #fill(card, now) {
    const { thing } = card;
    const signature = JSON.stringify([thing.number, thing.state, thing.version, thing.goneAt !== null, thing.lines, thing.fulfilment, thing.eta_at,
                                      thing.alarm, thing.owned_by, thing.name, thing.note, card.isRejecting]);
    if (card.signature === signature) return;
    card.signature = signature;
    const isTicket = Boolean(thing.number);
    card.classList.toggle("speaking", !isTicket);
    card.classList.toggle("over", !isTicket && thing.goneAt !== null);
    card.classList.toggle("new", isTicket && isNew(thing));
    card.classList.toggle("alarm", isTicket && isAlarming(thing));
    card.classList.toggle("cancelling", thing.state === "cancel_requested");
    put(card.querySelector(".number"), isTicket ? `#${thing.number}` : "…");
    put(card.querySelector(".how"), [thing.fulfilment && t(thing.fulfilment), thing.is_supplement && t("supplement")].filter(Boolean).join(" · "));
    put(card.querySelector(".who"), thing.name || "");
    put(card.querySelector(".note"), thing.note || "");
    put(card.querySelector(".flag"), isTicket ? flag(thing) : "");
    card.querySelector(".lines").replaceChildren(...thing.lines.map(line));
    if (thing.state !== "placed" && thing.state !== "received") card.isRejecting = false;
    card.querySelector(".acts").replaceChildren(...(isTicket ? buttons(thing, card.isRejecting, now) : []));
    put(card.querySelector(".said"), "");
    if (isTicket) this.#age(card, now);
    else {
      put(card.querySelector(".age"), t(thing.goneAt === null ? "speaking" : "callEnded"));
      put(card.querySelector(".due"), "");
      delete card.dataset.level;
    }
  }

  #age(card, now) {
    const { minutes, level, left } = age(card.thing, now);
    put(card.querySelector(".age"), `${minutes} ${t("min")}`);
    const promise = left === null ? t("noTime") : left < 0 ? t("late", { n: -left }) : t("dueIn", { n: left });
    const doing = card.thing.state === "preparing" ? `${t("being")} · ` : "";
    put(card.querySelector(".due"), card.thing.state === "ready" ? "" : doing + promise);
    if (card.dataset.level !== level) card.dataset.level = level;
  }

  #touched(event) {
    const card = event.target.closest(".card");
    const button = event.target.closest("button");
    if (!card || !button) return;
    if (button.dataset.open) this.reasons(card, button.dataset.open === "yes");
    else this.act(card.thing, JSON.parse(button.dataset.body));
  }
}

function flag(ticket) {
  if (isAlarming(ticket)) return t("alarm");
  if (ticket.state === "cancel_requested") return t("cancelFlag");
  return ticket.alarm && ticket.owned_by && isNew(ticket) ? t("owned", { who: ticket.owned_by }) : "";
}

function line(rows) {
  const item = make("li");
  const [head, ...choices] = rows;
  const [, quantity, what] = /^(\d+) x (.*)$/s.exec(head) || [null, "", head];
  const first = make("p", "item");
  if (quantity) first.append(make("b", quantity === "1" ? "one" : "many", quantity), " ");
  first.append(what);
  item.append(first);
  for (const choice of choices) item.append(make("p", /^\s*NO /.test(choice) ? "without" : "with", choice.trim()));
  return item;
}

function button(name, body, isMain) {
  const element = make("button", isMain ? "main" : "", t(name));
  element.dataset.body = JSON.stringify(body);
  element.dataset.act = name;
  return element;
}

function buttons(ticket, isRejecting, now) {
  const shown = [];
  if (isAlarming(ticket)) shown.push(button("take", { act: "own" }, true));
  if (!isNew(ticket)) return [...shown, ...actions(ticket).map((each) => button(...each))];
  if (isRejecting) {
    const back = make("button", "", t("back"));
    back.dataset.open = "no";
    return [...REASONS.map((reason) => button(reason, { act: "reject", reason })), back];
  }
  const promised = promisedMinutes(ticket, now);
  const minutes = make("div", "minutes");
  minutes.setAttribute("role", "group");
  minutes.setAttribute("aria-label", t("answer"));
  for (const each of MINUTES) {
    const choice = button("accept", { act: "accept", minutes: each }, each === promised);
    choice.textContent = String(each);
    choice.setAttribute("aria-label", t("acceptMin", { n: each }));
    minutes.append(choice);
  }
  const reject = make("button", "reject", `${t("reject")} …`);
  reject.dataset.open = "yes";
  reject.dataset.act = "reject";
  return [...shown, minutes, reject];
}

/** Make the list hold these elements in this order, moving as few as possible. */
function arrange(list, wanted) {
  const keep = new Set(wanted);
  for (const child of [...list.children]) if (!keep.has(child)) child.remove();
  let at = list.firstElementChild;
  for (const card of wanted) {
    if (card === at) at = at.nextElementSibling;
    else list.insertBefore(card, at);
  }
}
