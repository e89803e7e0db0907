// A text: written or pasted; Control and Enter ask.

/** Put the control into `card`: { value(), button } with the place where a button goes. */
export function make(card, { title, id, ask }) {
  card.innerHTML = `<label></label><textarea rows="7" placeholder="Write or paste a text"></textarea><div class="buttons"></div>`;
  const [label, text, buttons] = card.children;
  label.textContent = title ?? "Your text";
  label.htmlFor = text.id = id("text");
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
  });
  return { value: () => text.value, buttons };
}

export const hint = "Write a text to see what the model says.";
export const asksAtOnce = false;
