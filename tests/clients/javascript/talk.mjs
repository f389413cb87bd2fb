// One conversation of the stock client, in Node or in a page; the caller says which transport.
// It notes what the client's own user would get, and the tests hold that against what should be.

import { RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { z } from "zod";

/** A client as its user would make it. Resolves once it is connected. */
export async function begin({ transport, connect, text = false, tools = [] }) {
  const agent = new RealtimeAgent({ name: "Guest", instructions: "Be brief.", tools });
  const session = new RealtimeSession(agent, {
    transport,
    model: "cafe",
    config: text ? { outputModalities: ["text"] } : {},
  });
  const talk = new Talk(session);
  await session.connect(connect);
  return talk;
}

/** The function that the café's intent of this name is handed to. */
export function introduce(calls) {
  return tool({
    name: "whoAreYou",
    description: "Says who is talking.",
    parameters: z.object({}),
    execute: async (input) => {
      calls.push(input);
      return "I am the night shift.";
    },
  });
}

class Talk {
  constructor(session) {
    this.session = session;
    this.notes = { events: [], errors: [], audioBytes: 0, interrupted: 0, responses: [] };
    this.waiting = [];
    session.on("audio", ({ data }) => (this.notes.audioBytes += data.byteLength));
    session.on("audio_interrupted", () => (this.notes.interrupted += 1));
    session.on("error", (error) => this.notes.errors.push(JSON.stringify(error)));
    session.on("transport_event", (event) => this.note(event));
  }

  note(event) {
    this.notes.events.push(event.type);
    if (event.type === "response.done") this.notes.responses.push(event.response);
    this.waiting = this.waiting.filter(({ wanted, resolve }) => !wanted(event) || resolve(event));
  }

  /** The next event that is wanted. */
  next(wanted) {
    return new Promise((resolve) => this.waiting.push({ wanted, resolve }));
  }

  /** The end of the next response. */
  done() {
    return this.next((event) => event.type === "response.done");
  }

  /** Says something typed, and waits for the answer's end. */
  async ask(text) {
    const done = this.done();
    this.session.sendMessage(text);
    return (await done).response;
  }

  /** Everything noted, with the conversation as the client holds it, and the end of the talk. */
  async finish() {
    // What is sent last is answered last: by then every event of before has come.
    const settled = this.next((event) => event.type === "session.updated");
    this.session.transport.sendEvent({ type: "session.update", session: { type: "realtime" } });
    await settled;
    this.notes.history = this.session.history;
    this.session.close();
    return this.notes;
  }
}
