// How old a ticket is and what that means: pure, with the moment as an argument. docs/kitchen-screen.md has the limits.
const MINUTE = 60000;

/** Until a new ticket is answered. */
export const ANSWER = { soon: 1, late: 3 };
/** Where no time was promised. */
export const PLAIN = { soon: 10, late: 20 };

export const isNew = (ticket) => ticket.state === "placed" || ticket.state === "received";

/** The promised moment in ms, or null. */
export function due(ticket) {
  if (ticket.eta_at) return Date.parse(ticket.eta_at);
  return ticket.eta_minutes ? Date.parse(ticket.placed_at) + ticket.eta_minutes * MINUTE : null;
}

/** {minutes, level: calm | soon | late, left: minutes to the promise (negative: over), null without one}. */
export function age(ticket, now) {
  const placed = Date.parse(ticket.placed_at);
  const passed = (now - placed) / MINUTE;
  const promised = due(ticket);
  const left = promised === null ? null : Math.ceil((promised - now) / MINUTE);
  let level = "calm";
  if (isNew(ticket)) level = passed >= ANSWER.late ? "late" : passed >= ANSWER.soon ? "soon" : "calm";
  else if (ticket.state === "ready") level = "calm";
  else if (promised !== null) level = now > promised ? "late" : now > (placed + promised) / 2 ? "soon" : "calm";
  else level = passed >= PLAIN.late ? "late" : passed >= PLAIN.soon ? "soon" : "calm";
  return { minutes: Math.max(0, Math.floor(passed)), level, left };
}
