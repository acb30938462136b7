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
    const faces = [body.face1_analysis, body.face2_analysis].map((face, at) => ({ ...faceOf(face, 0), title: NAMES[at], number: 0 }));
    faces.forEach((face, at) => sides[at].photo.draw([{ ...face, number: 1 }]));
    const verdict = body.match_result ? "The same person." : "Two different people.";
    const score = `The faces are ${exactly(body.similarity_score)} likely to be one person's; from ${exactly(body.threshold)} on that is called the same.`;
    const cards = faces.map((face, at) => card(face, sides[at].photo));
    return [verdict, element("p", { class: "score" }, score), element("div", { class: "cards" }, ...cards)];
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
  document.addEventListener("key", () => {
    const files = sides.map((each) => each.file);
    if (files.every(Boolean) && ["no_key", "invalid_api_key"].includes(outcome.code) && !outcome.alert.hidden) compare(files);
  });
  const inputs = sides.map((side) => {
    side.zone = dropZone({ name: side.name, took: ([file]) => took(side, file) });
    return element("div", { class: "input" }, side.zone, side.photo.frame);
  });
  return element("div", {}, element("div", { class: "pair" }, ...inputs), outcome.whole);
}
