// What the screen knows: tickets, carts of callers who speak, what is sold out. No DOM, no network, no clock.
//
// A slot is a place on the screen. A cart has one, and the ticket that it becomes keeps it, so nothing jumps. Board and
// events may overlap: a move is known by its state and time, and is applied once.

/** A cart that is gone keeps its place for so long: its ticket may be on the way. */
export const LINGER_MS = 2000;

const moveKey = (state, at) => `${state} ${Date.parse(at)}`;

export class State {
  constructor() {
    this.tickets = new Map();
    this.carts = new Map();
    this.soldOut = [];
    this.hasMore = false;
    this.slots = 0;
  }

  /** Everything anew. Tickets and carts that stay keep their places. Returns ids of tickets that were not known. */
  board(board) {
    const before = this.tickets;
    this.tickets = new Map();
    const fresh = [];
    for (const told of board.tickets) {
      const known = before.get(told.id);
      if (!known) fresh.push(told.id);
      this.#put(told, known);
    }
    this.#cartsAre(board.carts, 0);
    this.soldOut = board.sold_out;
    this.hasMore = board.has_more;
    return fresh;
  }

  /** All carts and the stock of a moment that is not before the board's. */
  now(told, at) {
    this.#cartsAre(told.carts, at);
    this.soldOut = told.sold_out;
  }

  cart(told) {
    const known = this.carts.get(told.id);
    if (known && known.version > told.version) return;
    this.carts.set(told.id, { ...told, slot: known ? known.slot : this.#slot(), goneAt: null });
  }

  gone(id, at) {
    const cart = this.carts.get(id);
    if (cart && cart.goneAt === null) cart.goneAt = at;
  }

  /** Let go of carts that have lingered long enough. True when there were any. */
  sweep(at) {
    let any = false;
    for (const [id, cart] of this.carts) if (cart.goneAt !== null && at - cart.goneAt >= LINGER_MS) any = this.carts.delete(id);
    return any;
  }

  /** Apply one numbered event. Returns what it was for a person: "new", "alarm", or nothing. */
  order(event) {
    if (event.kind === "placed") return this.#placed(event.ticket);
    const ticket = this.tickets.get(event.id);
    if (!ticket) return undefined;
    if (event.kind === "moved") this.#moved(ticket, event);
    else if (event.kind === "owned") ticket.owned_by ||= event.by;
    else if (event.kind === "alarm" && ticket.alarm !== event.alarm && isMissing(ticket, event.alarm)) {
      ticket.alarm = event.alarm;
      return isAlarming(ticket) ? "alarm" : undefined;
    }
    return undefined;
  }

  #placed(told) {
    if (this.tickets.has(told.id)) return undefined;
    this.#put(told, undefined);
    return "new";
  }

  #moved(ticket, event) {
    const key = moveKey(event.state, event.at);
    if (ticket.moves.has(key)) return;
    ticket.moves.add(key);
    ticket.state = event.state;
    if (!isMissing(ticket, ticket.alarm)) ticket.alarm = null;
    ticket.reason = event.reason ?? null;
    ticket.eta_minutes = event.eta_minutes ?? ticket.eta_minutes;
    ticket.eta_at = event.eta_at ?? ticket.eta_at;
    if (FINAL.has(event.state)) this.tickets.delete(ticket.id);
  }

  #put(told, known) {
    let { slot, since } = known || {};
    if (!known) {
      const cart = [...this.carts.values()].find((each) => each.call_id === told.call_id);
      if (cart) {
        ({ slot, since } = cart);
        this.carts.delete(cart.id);
      }
    }
    const moves = new Set(told.moves.map((move) => moveKey(move.state, move.at)));
    const place = told.since || since || told.placed_at;
    this.tickets.set(told.id, { ...told, since: place, slot: slot || this.#slot(), moves });
  }

  #cartsAre(told, at) {
    const there = new Set(told.map((cart) => cart.id));
    for (const cart of told) this.cart(cart);
    for (const id of this.carts.keys()) if (!there.has(id)) this.gone(id, at);
  }

  #slot() {
    this.slots += 1;
    return `s${this.slots}`;
  }
}

const FINAL = new Set(["completed", "cancelled", "rejected"]);

/** Whether the word that an alarm is about has not come since. */
const isMissing = (ticket, alarm) => ticket.state === "placed" || ticket.state === "received" && alarm === "not_accepted";

/** Nobody has said in time that the order is here or taken, and nobody looks after it. */
export const isAlarming = (ticket) =>
  Boolean(ticket.alarm) && !ticket.owned_by && isMissing(ticket, ticket.alarm);

/** Oldest call first; of one call the earlier order, and what is still being said last. */
export function order(a, b) {
  return Date.parse(a.since) - Date.parse(b.since) || (a.number || Infinity) - (b.number || Infinity) || (a.id < b.id ? -1 : 1);
}
