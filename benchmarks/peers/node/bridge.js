// The bridge of the tutorial that this project began with, completed where it says "verify": JSON.parse for every
// message, Buffer for base64, every carrier frame sent on as it comes, no resampling, no pacing.
import WebSocket, { WebSocketServer } from "ws";

const GEMINI_URL =
  process.env.GEMINI_URL.replace(/^http/, "ws") +
  "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=" +
  process.env.GEMINI_API_KEY;

const tools = {
  addItem: ({ name, quantity = 1 }) => ({ added: name, quantity }),
  applyModifier: ({ item, modifier }) => ({ item, modifier }),
  getTotal: () => ({ total_kes: 0 }),
  placeOrder: () => ({ ok: true }),
};

async function openGeminiSession({ tools, onAudio, onInterrupt }) {
  const ws = new WebSocket(GEMINI_URL);
  await new Promise((resolve, reject) => ws.on("open", resolve).on("error", reject));
  ws.send(
    JSON.stringify({
      setup: {
        model: "models/" + process.env.GEMINI_MODEL,
        generationConfig: { responseModalities: ["AUDIO"] },
        systemInstruction: {
          parts: [
            {
              text:
                "You take phone orders for a quick-service restaurant. " +
                "Use addItem and applyModifier as the caller speaks. " +
                "Read the order back and confirm the total before placeOrder.",
            },
          ],
        },
        tools: [
          {
            functionDeclarations: [
              { name: "addItem", description: "Add a menu item with a quantity." },
              { name: "applyModifier", description: "Apply a modifier, e.g. no onions." },
              { name: "getTotal", description: "Return the running order total in KES." },
              { name: "placeOrder", description: "File the confirmed order." },
            ],
          },
        ],
      },
    })
  );
  await new Promise((resolve) => {
    ws.once("message", resolve); // setupComplete
  });
  ws.on("message", async (raw) => {
    const msg = JSON.parse(raw.toString());
    const audioB64 = extractInlineAudio(msg);
    if (audioB64) onAudio(Buffer.from(audioB64, "base64"));
    for (const call of msg?.toolCall?.functionCalls ?? []) {
      const handler = tools[call.name];
      const result = handler ? await handler(call.args ?? {}) : { error: "unknown" };
      ws.send(
        JSON.stringify({
          toolResponse: { functionResponses: [{ id: call.id, name: call.name, response: result }] },
        })
      );
    }
    if (msg?.serverContent?.interrupted) onInterrupt();
  });
  return {
    sendAudio(pcm) {
      ws.send(
        JSON.stringify({
          realtimeInput: {
            mediaChunks: [{ mimeType: "audio/pcm;rate=16000", data: pcm.toString("base64") }],
          },
        })
      );
    },
    close() {
      if (ws.readyState === ws.OPEN) ws.close();
    },
  };
}

function extractInlineAudio(msg) {
  const parts = msg?.serverContent?.modelTurn?.parts ?? [];
  for (const p of parts) {
    if (p?.inlineData?.data) return p.inlineData.data;
  }
  return null;
}

const wss = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  handleProtocols: (protocols) => (protocols.has("audio.drachtio.org") ? "audio.drachtio.org" : false),
});

wss.on("listening", () => console.log(JSON.stringify({ url: "ws://127.0.0.1:" + process.env.PORT })));

wss.on("connection", async (sautiSocket) => {
  let gemini;
  sautiSocket.on("error", () => gemini?.close());
  sautiSocket.on("close", () => gemini?.close());
  gemini = await openGeminiSession({
    tools,
    onAudio: (pcmChunk) => {
      if (sautiSocket.readyState === sautiSocket.OPEN) sautiSocket.send(pcmChunk);
    },
    onInterrupt: () => {},
  });
  sautiSocket.on("message", (data, isBinary) => {
    if (isBinary) gemini.sendAudio(data);
  });
});
