/** Who the agent is, from the server: its name, greeting, what to ask it, its engines. */

/** GET v1/agent. Throws if the server is away or does not know. */
export async function fetchAgent() {
  const reply = await fetch("v1/agent");
  if (!reply.ok) throw new Error(`GET v1/agent answered ${reply.status}`);
  return reply.json();
}

/** Fills the page. at(id): the page's element. onExample(text): one was pressed. */
export function introduce({ name, greeting, examples = [], engines = {} }, at, onExample) {
  document.title = `${name} · Overture`;
  at("agent-name").textContent = name;
  at("agent-label").textContent = name;
  if (greeting) at("greeting").textContent = greeting;
  at("examples-box").hidden = examples.length === 0;
  at("examples").replaceChildren(...examples.map((text) => exampleButton(text, onExample)));
  at("engines").textContent = engineWords(engines);
}

function exampleButton(text, onExample) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", () => onExample(text));
  item.append(button);
  return item;
}

function engineWords({ recognizer, answerer, synthesizer }) {
  const parts = [
    recognizer && `heard by ${recognizer}`,
    answerer && `answered by ${answerer}`,
    synthesizer && `spoken by ${synthesizer}`,
  ];
  return parts.filter(Boolean).join(" · ");
}
