// Faces: drawn over their photo, and told in words.
import { element, drawn, percent } from "./dom.js";

const LANDMARKS = {
  right_eye: "right eye",
  left_eye: "left eye",
  nose_tip: "nose",
  right_mouth: "right corner of the mouth",
  left_mouth: "left corner of the mouth",
};
const THUMBNAIL = 72;

// A face as every endpoint's answer has it; `title` is what stands at its box.
export function faceOf(answer, number) {
  const words = [answer.recognition_uidresult, answer.age && Math.round(answer.age), answer.gender, answer.expression];
  return { ...answer, number, box: answer.bounding_box, title: titled(number, words.filter(Boolean).join(", ")) };
}

// A face as SmartClick's array has it.
export function itemOf(item, number) {
  const { left, top, right, bottom } = item.rectangle;
  const { probability: detection_probability, emotion } = item;
  return { number, box: [left, top, right, bottom], detection_probability, emotion, title: titled(number, emotion.value) };
}

const titled = (number, words) => (words ? `${number} · ${words}` : String(number));

// A photo with what is drawn over it. Boxes and points are in pixels of the upright image, as the browser shows it.
export class Photo {
  constructor() {
    this.image = element("img", { alt: "" });
    this.overlay = drawn("svg", { role: "img" });
    this.frame = element("div", { class: "frame", hidden: true }, this.image, this.overlay);
    new ResizeObserver(() => this.#scale()).observe(this.image);
  }

  async show(file) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.image.src = this.url = URL.createObjectURL(file);
    this.image.alt = `Your photo, ${file.name}`;
    this.frame.hidden = false;
    this.clear();
    await this.image.decode().catch(() => (this.frame.hidden = true)); // no image, or one that the browser cannot show
  }

  clear() {
    this.overlay.replaceChildren();
    this.overlay.setAttribute("aria-hidden", "true");
  }

  draw(faces, size = { width: this.image.naturalWidth, height: this.image.naturalHeight }) {
    this.overlay.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    this.overlay.setAttribute("aria-label", `Boxes: ${faces.map((face) => face.title).join("; ") || "none"}`);
    this.overlay.removeAttribute("aria-hidden");
    this.overlay.replaceChildren(...faces.map((face) => group(face, size)));
    this.#scale();
  }

  // How many of the photo's pixels are as wide as one of the screen's, so that labels are as large on every photo.
  #scale() {
    const { width } = this.overlay.viewBox.baseVal ?? {};
    if (width && this.image.clientWidth) this.overlay.style.setProperty("--px", `${width / this.image.clientWidth}px`);
  }
}

function group({ box: [x1, y1, x2, y2], landmarks, title, number }, { width, height }) {
  const rect = drawn("rect", { x: x1, y: y1, width: x2 - x1, height: y2 - y1, class: "box" });
  const points = Object.entries(landmarks ?? {}).map(([name, [cx, cy]]) =>
    drawn("circle", { cx, cy, class: "point" }, drawn("title", {}, LANDMARKS[name] ?? name)),
  );
  const side = x1 + x2 > 1.2 * width ? { x: x2, "text-anchor": "end" } : { x: x1 };
  const label = drawn("text", { ...side, y: y1, class: y1 < height / 20 ? "label inside" : "label" }, title);
  return drawn("g", { class: `face hue-${(number - 1) % 6}` }, rect, ...points, label);
}

// What is known of a face, in words and bars. What is switched off for the key is left out.
export function card(face, photo, title = `Face ${face.number}`) {
  const rows = [];
  const row = (name, value) => value && rows.push(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  row("Person", named(face));
  if (face.age_range) {
    const { low, high } = face.age_range;
    const minor = face.may_be_minor ? ", perhaps a minor" : "";
    row("Age", `about ${Math.round(face.age)}, likely ${Math.round(low)} to ${Math.round(high)}${minor}`);
  }
  row("Gender", face.gender && `${face.gender}, ${percent(face.gender_probability)}`);
  row("Expression", face.expression && `${face.expression}, ${percent(face.expression_probability)}`);
  if (face.passive_liveness) {
    const { is_real_face: live, liveness_probability: score } = face.passive_liveness;
    row("Liveness", `${live ? "looks live" : "looks like a picture of a face"}, ${percent(score)}`);
  }
  if (face.pose) row("Pose", posed(face.pose));
  row("Certainty", face.detection_probability && `${percent(face.detection_probability)} that it is a face`);
  return element(
    "article",
    { class: `card hue-${(face.number - 1) % 6}`, "aria-label": title },
    element("header", {}, thumbnail(face, photo), element("h3", {}, title)),
    element("div", {}, element("dl", {}, ...rows), face.quality ? quality(face.quality) : null),
    face.emotion ? bars("Sentiments", face.emotion.sentiments) : null,
  );
}

function named({ recognition_uidresult: uid, recognition_confidence: sure, recognition_otheruids: others = [] }) {
  if (!uid) return "";
  if (uid === "unknown") return sure ? `unknown; nobody enrolled is near enough (best ${percent(sure)})` : "unknown";
  const also = others.map((other) => `${other.uid} ${percent(other.confidence)}`).join(", ");
  return `${uid}, ${percent(sure)}${also && `; or ${also}`}`;
}

function posed({ yaw, pitch, roll }) {
  return `yaw ${yaw}°, pitch ${pitch}°, roll ${roll}°`;
}

function quality({ face_size_px: size, ...shares }) {
  return bars(`Quality, ${size} pixels across`, shares);
}

function bars(name, shares) {
  const rows = Object.entries(shares).map(([word, share]) => {
    const bar = element("span", { class: "bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", share);
    const value = element("dd", {}, bar, element("span", {}, percent(share)));
    return element("div", { class: "measure" }, element("dt", {}, word), value);
  });
  return element("div", { class: "bars" }, element("h4", {}, name), element("dl", {}, ...rows));
}

// The face cut out, a little wider than its box.
function thumbnail({ box: [x1, y1, x2, y2] }, photo) {
  const canvas = element("canvas", { width: String(2 * THUMBNAIL), height: String(2 * THUMBNAIL), "aria-hidden": "true" });
  const side = 1.3 * Math.max(x2 - x1, y2 - y1);
  const [left, top] = [(x1 + x2 - side) / 2, (y1 + y2 - side) / 2];
  canvas.getContext("2d").drawImage(photo.image, left, top, side, side, 0, 0, canvas.width, canvas.height);
  return canvas;
}
