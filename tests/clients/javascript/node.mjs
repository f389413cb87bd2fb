// `node node.mjs SCENARIO URL PCM`: one scenario over a WebSocket; prints its notes as JSON.
// PCM: a file of speech, 16-bit, 24 kHz.

import { readFile } from "node:fs/promises";
import { begin, introduce } from "./talk.mjs";

const FRAME = 1920; // 40 ms

const [, , scenario, url, file] = process.argv;
const connect = { apiKey: "none", url };
const transport = "websocket";

/** The speech of the file, as fast as it may come. */
async function speak(session) {
  const { buffer, byteOffset, length } = await readFile(file);
  for (let at = 0; at < length; at += FRAME) {
    const end = Math.min(at + FRAME, length);
    session.sendAudio(buffer.slice(byteOffset + at, byteOffset + end));
  }
}

/** Speaks over the answer, once so many frames of it have come. */
async function interrupt(frames) {
  const talk = await begin({ transport, connect });
  const done = talk.done();
  let heard = 0;
  const audible = talk.next(
    ({ type }) => type === "response.output_audio.delta" && ++heard === frames,
  );
  talk.session.sendMessage("When are you open?");
  await audible;
  await speak(talk.session);
  await done;
  return talk.finish();
}

const SCENARIOS = {
  async text() {
    const talk = await begin({ transport, connect, text: true });
    await talk.ask("When do you close on Sunday?");
    return talk.finish();
  },
  async audio() {
    const talk = await begin({ transport, connect });
    const done = talk.done();
    await speak(talk.session);
    await done;
    return talk.finish();
  },
  bargeIn: () => interrupt(20),
  bargeInAtOnce: () => interrupt(1),
  async functionCall() {
    const calls = [];
    const talk = await begin({ transport, connect, text: true, tools: [introduce(calls)] });
    await talk.ask("who are you");
    await talk.done(); // the client sends the output and asks for what follows by itself
    return { ...(await talk.finish()), calls };
  },
};

console.log(JSON.stringify(await SCENARIOS[scenario]()));
