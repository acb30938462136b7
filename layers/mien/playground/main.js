// The page.
import { find, workTabs } from "./dom.js";
import { workKey } from "./api.js";
import { workPage } from "./drop.js";
import { lookPanel } from "./look.js";
import { comparePanel } from "./compare.js";
import { peoplePanel } from "./people.js";

const analytics = (file) => ({ method: "POST", path: "/face_analytics", files: [["face_image", file]] });
const emotion = (file) => ({ method: "POST", path: "/emotion-detection", files: [["image", file]] });
const people = peoplePanel();

find("#analytics").append(lookPanel(analytics));
find("#emotion").append(lookPanel(emotion));
find("#compare").append(comparePanel());
find("#people").append(people.whole);
workTabs(find("[role=tablist]"), (tab) => tab.id === "tab-people" && people.shown());
workPage();
workKey();
