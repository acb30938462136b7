// Do two photos show one person?
import { element } from "./dom.js";
import { dropZone } from "./drop.js";
import { Photo, card, faceOf } from "./faces.js";
import { Outcome } from "./look.js";

const NAMES = ["First photo", "Second photo"];

const exactly = (share) => `${(share * 100).toFixed(2)}\u00a0%`;

export function comparePanel() {
  const outcome = new Outcome();
  const sides = NAMES.map((name) => ({ name, photo: new Photo(), file: null }));
  const compare = async (files) => {
    if (!outcome.fitting(files, compare)) return;
    const call = {
      method: "POST",
      path: "/face_recognition/validate_faces",
      files: files.map((file, at) => [`image${at + 1}`, file]),
    };
    await outcome.of(call, told);
  };
  const told = (body) => {
    const faces = [body.face1_analysis, body.face2_analysis].map((face, at) => ({ ...faceOf(face, 1), title: NAMES[at] }));
    faces.forEach((face, at) => sides[at].photo.draw([face]));
    const verdict = body.match_result ? "The same person." : "Two different people.";
    const [score, threshold] = [exactly(body.similarity_score), exactly(body.threshold)];
    const why = `The faces are ${score} likely to be one person's; from ${threshold} on that is called the same.`;
    const cards = faces.map((face, at) => card(face, sides[at].photo, NAMES[at]));
    return [verdict, element("p", { class: "score" }, why), element("div", { class: "cards" }, ...cards)];
  };
  const took = async (side, file) => {
    side.file = file;
    for (const each of sides) each.photo.clear();
    outcome.clear();
    await side.photo.show(file);
    side.zone.dataset.full = "yes";
    const files = sides.map((each) => each.file);
    if (files.every(Boolean)) await compare(files);
    else outcome.clear(`Now the ${sides.find((each) => !each.file).name.toLowerCase()}.`);
  };
  document.addEventListener("key", () => outcome.wantedKey && compare(sides.map((each) => each.file)));
  const inputs = sides.map((side) => {
    side.zone = dropZone({ name: side.name, took: ([file]) => took(side, file) });
    return element("div", { class: "input" }, side.zone, side.photo.frame);
  });
  return element("div", {}, element("div", { class: "pair" }, ...inputs), outcome.whole);
}
