/** What each of the server's events means for a Talk. */

/** By type: what to do with a talk and the event. Those not named need nothing done. */
export const EVENTS = {
  "input_audio_buffer.speech_started": (talk) => talk.silence(),
  "conversation.item.added": (talk, { item }) => talk.dialogue.itemAdded(item),
  "conversation.item.input_audio_transcription.delta": (talk, { item_id, delta }) => {
    talk.view.person(item_id);
    talk.view.append(item_id, delta ?? "");
  },
  "conversation.item.input_audio_transcription.completed": (talk, { item_id, transcript }) =>
    talk.dialogue.personSaid(item_id, transcript),
  "conversation.item.input_audio_transcription.failed": (talk, { item_id }) =>
    talk.dialogue.personSaid(item_id, "(not understood)"),
  "response.created": (talk, { response }) => talk.responseBegins(response),
  "conversation.item.retrieved": (talk, { item }) => talk.dialogue.keptOf(item),
  "response.output_item.added": (talk, { item, response_id }) => {
    if (item.type === "message") talk.dialogue.agentBegins(response_id, item.id);
  },
  "output_audio_buffer.started": (talk, { response_id }) => talk.spoken.audioStarted(response_id),
  "output_audio_buffer.stopped": (talk, { response_id }) => talk.spoken.audioStopped(response_id),
  "output_audio_buffer.cleared": (talk, { response_id }) => {
    talk.silence();
    talk.spoken.forget(response_id);
  },
  "response.output_audio.delta": (talk, { item_id, delta }) => talk.audio(item_id, delta),
  "response.output_audio.done": (talk, { item_id }) => talk.audioDone(item_id),
  "response.output_audio_transcript.delta": (talk, { item_id, delta }) =>
    talk.dialogue.agentSaid(item_id, delta),
  "response.output_text.delta": (talk, { item_id, delta }) => talk.dialogue.agentSaid(item_id, delta),
  "response.output_item.done": (talk, { item }) => talk.view.settle(item.id),
  "response.done": (talk, { response }) => talk.dialogue.responseOver(response),
  "conversation.item.truncated": (talk, { item_id }) => {
    talk.speaker?.stop(item_id);
    talk.view.markCut(item_id);
  },
  "overture.heard": (talk, { item_id, text }) => talk.view.heard(item_id, text),
  "overture.words": (talk, { item_id, text }) => talk.dialogue.personSays(item_id, text),
  "overture.floor": (talk, { state }) => talk.floorPassed(state),
  "overture.playout.paused": (talk) => talk.speaker?.pause(),
  "overture.playout.resumed": (talk) => talk.speaker?.resume(),
  "overture.sources": (talk, { item_id, sources }) => talk.view.cite(item_id, sources),
  "overture.turn": (talk, { item_id, stages_ms }) => {
    talk.turnItem = item_id;
    talk.measured(stages_ms);
  },
  "overture.outreach.card": (talk, card) => talk.spokeFirst(card),
  "overture.outreach.gone": (talk, { outreach_id }) => talk.show.cardGone(outreach_id),
  "overture.warning": (talk, { message }) => talk.view.direction(message),
  error: (talk, { error }) => talk.faulted(error),
};
