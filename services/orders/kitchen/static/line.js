// The connection: reads the board, then follows the branch from the board's number on; whatever breaks, begins again.
//
// Numbers have no holes. One that is not the next one means that something was missed, and the board is read anew.

export const SILENT_MS = 25000;      // the server says something every 10 s
const ASK_MS = 8000;
const PAUSE_MS = [500, 10000];

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", body: JSON.stringify(body),
    headers: { "content-type": "application/json", "x-requested-by": "kitchen" },
  };
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(ASK_MS) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, typeof answer.detail === "string" ? answer.detail : response.statusText);
  return answer;
}

export class Line {
  /** `on`: board(board), live(), event(name, told), lost(error), locked() -> promise of the key given. */
  constructor(base, on) {
    this.base = base;
    this.on = on;
    this.wake = () => {};
    this.abort = () => {};
    addEventListener("offline", () => this.abort());
    addEventListener("online", () => this.wake());
  }

  async run() {
    for (let failures = 0; ; failures += 1) {
      try {
        const board = await ask(`${this.base}/board`);
        this.on.board(board);
        await this.#follow(board.sequence, () => { failures = 0; });
      } catch (error) {
        if (error instanceof Refused && error.status === 401) {
          await this.on.locked();
          failures = 0;
          continue;
        }
        this.on.lost(error);
      }
      const pause = Math.min(PAUSE_MS[1], PAUSE_MS[0] * 2 ** Math.min(failures, 6)) * (0.7 + 0.6 * Math.random());
      await new Promise((resolve) => { this.wake = resolve; setTimeout(resolve, pause); });
    }
  }

  async #follow(from, onLive) {
    const control = new AbortController();
    let quiet;
    const heard = () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => control.abort(new Error("silent")), SILENT_MS);
    };
    this.abort = () => control.abort(new Error("offline"));
    heard();
    try {
      const response = await fetch(`${this.base}/live?after=${from}`, { signal: control.signal });
      if (!response.ok) {
        const answer = await response.json().catch(() => ({}));
        throw new Refused(response.status, answer.detail || response.statusText);
      }
      let last = from;
      for await (const { id, name, told } of messages(response.body, heard)) {
        if (name === "again") return;
        if (id && id !== last + 1) return;
        if (id) last = id;
        if (name === "now") { onLive(); this.on.live(); }
        this.on.event(name, told);
      }
      throw new Error("ended");
    } finally {
      clearTimeout(quiet);
      control.abort();
    }
  }
}

async function* messages(body, heard) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    text += decoder.decode(value, { stream: true });
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const message = { id: 0, name: "message", data: "" };
      for (const line of text.slice(0, end).split("\n")) {
        if (line.startsWith("id: ")) message.id = Number(line.slice(4));
        else if (line.startsWith("event: ")) message.name = line.slice(7);
        else if (line.startsWith("data: ")) message.data = line.slice(6);
      }
      yield { id: message.id, name: message.name, told: JSON.parse(message.data) };
    }
  }
}
