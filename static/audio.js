/** The page's one AudioContext, with both worklets loaded. */

/** Call from a click or a key press, else browsers keep the context suspended. */
export async function openAudio() {
  const context = new AudioContext({ latencyHint: "interactive" });
  const resumed = context.resume();
  for (const worklet of ["capture", "playout"]) {
    await context.audioWorklet.addModule(new URL(`${worklet}-worklet.js`, import.meta.url));
  }
  await resumed;
  // A phone call or a locked screen suspends it; the next gesture brings it back.
  for (const gesture of ["pointerdown", "keydown"]) {
    document.addEventListener(gesture, () => context.state !== "running" && context.resume());
  }
  return context;
}

/** Worklets exist only in secure contexts and in browsers of the last years. */
export function canPlayAudio() {
  return window.isSecureContext && "AudioWorkletNode" in window;
}
