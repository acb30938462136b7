// One call and what came of it; and the panel that sends one photo.
import { element, counted } from "./dom.js";
import { send, askForKey } from "./api.js";
import { code, written } from "./calls.js";
import { dropZone, tooLarge, shrunk } from "./drop.js";
import { Photo, card, faceOf, itemOf } from "./faces.js";

// Where the outcome of a panel's calls is told: what is being done, what went wrong, what came back.
export class Outcome {
  constructor() {
    this.status = element("p", { class: "status", role: "status" });
    this.alert = element("div", { class: "error", role: "alert", hidden: true });
    this.result = element("div", { class: "result" });
    this.whole = element("div", { class: "outcome" }, this.status, this.alert, this.result);
  }

  // Make a call and tell of it: `told` gives the sentence, and what is shown beneath. The body; null when it failed.
  async of(call, told) {
    this.running?.abort();
    const { signal } = (this.running = new AbortController());
    this.clear("Looking…");
    try {
      const { body, milliseconds } = await send(call, signal);
      if (signal.aborted) return null;
      const [sentence, ...shown] = told(body);
      const here = body.latency_ms === undefined ? "" : `, of which the API took ${Math.round(body.latency_ms)}`;
      this.clear(sentence);
      this.result.append(
        element("p", { class: "timing" }, `Answered in ${Math.round(milliseconds)} ms${here}.`),
        ...shown,
        details("Answer as JSON", code(JSON.stringify(body, null, 2), "The answer as JSON")),
        details("This call in code", written(call)),
      );
      return body;
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
      return null;
    }
  }

  clear(sentence = "") {
    this.status.textContent = sentence;
    this.alert.hidden = true;
    this.alert.replaceChildren();
    this.result.replaceChildren();
  }

  // Say what went wrong, and offer what may help: [label, what it does].
  fail({ message, code: kind = "", requestId = "" }, ...offers) {
    this.clear();
    this.code = kind;
    const buttons = offers.map(([label, click]) => element("button", { type: "button", click }, label));
    this.alert.append(
      element("p", {}, message),
      ...(requestId ? [element("p", { class: "fine" }, `Request ${requestId}`)] : []),
      ...(buttons.length ? [element("p", { class: "actions" }, ...buttons)] : []),
    );
    this.alert.hidden = false;
    if (kind === "no_key") askForKey();
  }

  // Whether nothing but the key was wrong.
  get wantedKey() {
    return !this.alert.hidden && ["no_key", "invalid_api_key"].includes(this.code);
  }

  // The photos if a call may carry them; else it is said that they are too large, and `again` gets smaller ones.
  fitting(photos, again) {
    const problem = tooLarge(photos);
    if (!problem) return true;
    const shrink = async () => {
      this.clear("Shrinking…");
      const smaller = await shrunk(photos).catch(() => photos);
      if (tooLarge(smaller)) this.fail({ message: "This cannot be shrunk here. Choose another photo." });
      else again(smaller);
    };
    this.fail({ message: problem, code: "image_too_large" }, ["Shrink and send", shrink]);
    return false;
  }
}

export function details(summary, content) {
  return element("details", {}, element("summary", {}, summary), content);
}

// What was found, in a sentence.
export function foundFaces(faces) {
  if (faces.length) return `${counted(faces.length, "face")} found.`;
  return "No face was found. Try a photo in which a face is larger, brighter, or seen more from the front.";
}

// What is known of the faces of a photo, drawn and told.
export function tellFaces(photo, faces, size) {
  photo.draw(faces, size);
  return [foundFaces(faces), element("div", { class: "cards" }, ...faces.map((face) => card(face, photo)))];
}

// A panel that sends a photo as soon as there is one. `callOf` makes the call.
export function lookPanel(callOf) {
  const photo = new Photo();
  const outcome = new Outcome();
  let chosen = null;
  const look = async (file) => {
    chosen = file;
    outcome.clear();
    await photo.show(file);
    if (!outcome.fitting([file], ([smaller]) => look(smaller)) || chosen !== file) return;
    await outcome.of(callOf(file), (body) =>
      Array.isArray(body)
        ? tellFaces(photo, body.map((item, at) => itemOf(item, at + 1)))
        : tellFaces(photo, body.faces.map((face, at) => faceOf(face, at + 1)), body.image),
    );
  };
  document.addEventListener("key", () => outcome.wantedKey && look(chosen));
  const zone = dropZone({ name: "Photo", took: ([file]) => look(file) });
  return element("div", { class: "split" }, element("div", { class: "input" }, zone, photo.frame), outcome.whole);
}
