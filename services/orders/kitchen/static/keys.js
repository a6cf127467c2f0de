// The keyboard: arrows and numbers go to tickets, letters say words.
import { actions, promisedMinutes } from "./cards.js";
import { isNew } from "./ages.js";
import { t } from "./words.js";

const HELP = [["← → ↑ ↓", "keyArrows"], ["1 … 9", "keyNumber"], ["N", "keyNew"], ["A", "keyAccept"], ["R", "keyReject"], ["P", "keyStart"],
              ["B", "keyBump"], ["U", "keyRecall"], ["H", "keyDone"], ["X", "keyCancel"], ["T", "keyTake"], ["S", "keyStock"], ["M", "keySound"],
              ["?", "keyHelp"], ["Esc", "keyEsc"]];
const WORDS = { p: "preparing", b: "ready", u: "recall", h: "completed", x: "cancel" };

export function help(into) {
  into.replaceChildren(...HELP.flatMap(([key, words]) => {
    const term = document.createElement("dt");
    const meaning = document.createElement("dd");
    term.textContent = key;
    meaning.textContent = t(words);
    return [term, meaning];
  }));
}

/** `doing`: act(ticket, body), cards, now(), stock(), help(), sound(). */
export function listen(doing) {
  addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || target.closest("input, dialog")) return;
    const card = target.closest(".card");
    const handled = anywhere(event.key, card, doing) || (card && onCard(event.key, card, doing));
    if (handled) event.preventDefault();
  });
}

function anywhere(key, card, doing) {
  const all = [...document.querySelectorAll("#work > .card, #ready > .card")];
  if (key.startsWith("Arrow")) return goTo(neighbour(key, card, all));
  if (/^[1-9]$/.test(key) && !(card && card.isRejecting)) return goTo(all[Number(key) - 1]);
  const does = { n: () => nextNew(card), s: doing.stock, m: doing.sound, "?": doing.help }[key.toLowerCase()];
  if (!does) return false;
  does();
  return true;
}

function onCard(key, card, doing) {
  const ticket = card.thing;
  const act = (body) => { doing.act(ticket, body); return true; };
  if (card.isRejecting) {
    const chosen = card.querySelectorAll(".acts button[data-body]")[Number(key) - 1];
    if (key === "Escape") { doing.cards.reasons(card, false); return true; }
    return chosen ? act(JSON.parse(chosen.dataset.body)) : false;
  }
  const letter = key.toLowerCase();
  if (letter === "t" && card.classList.contains("alarm")) return act({ act: "own" });
  if (isNew(ticket)) {
    if (letter === "a") return act({ act: "accept", minutes: promisedMinutes(ticket, doing.now()) });
    if (letter === "r") { doing.cards.reasons(card, true); return true; }
  }
  const found = actions(ticket).find(([name]) => name === WORDS[letter] || name === "tooLate" && letter === "b");
  return found ? act(found[1]) : false;
}

function goTo(card) {
  if (card) card.focus();
  return Boolean(card);
}

export function nextNew(from) {
  const fresh = [...document.querySelectorAll("#work > .card.new")];
  const card = fresh[(fresh.indexOf(from) + 1) % fresh.length];
  if (card) card.scrollIntoView({ block: "nearest" });
  goTo(card);
}

/** The nearest card in the direction of the arrow. */
function neighbour(key, card, all) {
  if (!card) return all[0];
  const here = card.getBoundingClientRect();
  const x = here.left + here.width / 2;
  const y = here.top + 20;
  let best = null;
  let nearest = Infinity;
  for (const other of all) {
    if (other === card) continue;
    const there = other.getBoundingClientRect();
    const right = there.left + there.width / 2 - x;
    const down = there.top + 20 - y;
    const [ahead, aside] = { ArrowRight: [right, down], ArrowLeft: [-right, down], ArrowDown: [down, right], ArrowUp: [-down, right] }[key];
    if (ahead <= 8) continue;
    const distance = ahead + 3 * Math.abs(aside);
    if (distance < nearest) { nearest = distance; best = other; }
  }
  return best || (key === "ArrowRight" ? all[all.indexOf(card) + 1] : key === "ArrowLeft" ? all[all.indexOf(card) - 1] : null);
}
