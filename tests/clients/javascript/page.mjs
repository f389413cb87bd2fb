// The same in a page, over WebRTC. The microphone is a sound file that speaks when it is told to.

import { OpenAIRealtimeWebRTC } from "@openai/agents-realtime";
import { begin, introduce } from "./talk.mjs";

const LOOK_MS = 20; // how often the loudspeaker is listened to

/** A microphone for the page: silent until it speaks. */
async function microphone(url) {
  const context = new AudioContext();
  await context.resume();
  const line = context.createMediaStreamDestination();
  const speech = await context.decodeAudioData(await (await fetch(url)).arrayBuffer());
  const speak = () => {
    const source = new AudioBufferSourceNode(context, { buffer: speech });
    source.connect(line);
    source.start();
  };
  return { stream: line.stream, speak };
}

/** The loudest sample that comes out of an audio element from now on, as `loudest()`. */
function listen(audioElement) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  let source = null;
  setInterval(() => {
    if (!audioElement.srcObject) return;
    source ??= context.createMediaStreamSource(audioElement.srcObject);
    source.connect(analyser);
    analyser.getFloatTimeDomainData(samples);
    loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), loudest);
  }, LOOK_MS);
  return () => loudest;
}

async function connected(options = {}) {
  const { stream, speak } = await microphone("speech.wav");
  const audioElement = document.createElement("audio");
  const loudest = listen(audioElement);
  const transport = new OpenAIRealtimeWebRTC({
    mediaStream: stream,
    audioElement,
    baseUrl: `${location.origin}/v1/realtime/calls`,
    useInsecureApiKey: true,
  });
  const talk = await begin({ transport, connect: { apiKey: "none" }, ...options });
  return { talk, speak, loudest, callId: transport.callId };
}

const SCENARIOS = {
  async text() {
    const { talk, callId } = await connected({ text: true });
    await talk.ask("When do you close on Sunday?");
    return { ...(await talk.finish()), callId };
  },
  async audio() {
    const { talk, speak, loudest } = await connected();
    const done = talk.done();
    const played = talk.next(({ type }) => type === "output_audio_buffer.stopped");
    speak();
    await done;
    await played;
    return { ...(await talk.finish()), loudest: loudest() };
  },
  async bargeIn() {
    const { talk, speak } = await connected();
    const done = talk.done();
    const audible = talk.next(({ type }) => type === "output_audio_buffer.started");
    talk.session.sendMessage("When are you open?");
    await audible;
    speak();
    await done;
    return talk.finish();
  },
  async functionCall() {
    const calls = [];
    const { talk } = await connected({ text: true, tools: [introduce(calls)] });
    await talk.ask("who are you");
    await talk.done();
    return { ...(await talk.finish()), calls };
  },
};

window.scenario = (name) => SCENARIOS[name]();
