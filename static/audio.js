/** The page's one AudioContext, with its worklets loaded. */

/** Suspended until `wake`: made before it is needed, so that a click is answered at once. */
export async function prepareAudio() {
  const context = new AudioContext({ latencyHint: "interactive" });
  await Promise.all(
    ["capture", "playout", "stream"].map((worklet) =>
      context.audioWorklet.addModule(new URL(`${worklet}-worklet.js`, import.meta.url)),
    ),
  );
  return context;
}

const kept = new WeakSet(); // contexts that were woken, and are to stay awake

/** Call from a click or a key press, else browsers keep the context suspended. */
export function wake(context) {
  const resumed = context.resume();
  if (kept.has(context)) return resumed;
  kept.add(context);
  // A phone call or a locked screen suspends it; the next gesture brings it back.
  for (const gesture of ["pointerdown", "keydown"]) {
    document.addEventListener(gesture, () => context.state !== "running" && context.resume());
  }
  return resumed;
}

/** Worklets exist only in secure contexts and in browsers of the last years. */
export function canPlayAudio() {
  return window.isSecureContext && "AudioWorkletNode" in window;
}
