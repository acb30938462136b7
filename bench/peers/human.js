// @vladmandic/human: detection, mesh, description (age, gender, embedding), emotion, antispoof, liveness.
"use strict";

const { join } = require("node:path");
const { PACKAGES, bytesOf, folder, serve, versionOf } = require("./answering.js");
const { Human } = require(join(PACKAGES, "@vladmandic/human/dist/human.node-wasm.js"));

const NETWORKS = ["blazeface.", "facemesh.", "faceres.", "emotion.", "antispoof.", "liveness."];

// What follows from one frame to the next is off: each photo is analysed as if it were the first.
const anew = { enabled: true, skipFrames: 0, skipTime: 0 };
const off = { enabled: false };

async function main() {
  const human = new Human({
    backend: "wasm",
    wasmPath: folder("@tensorflow/tfjs-backend-wasm/dist"),
    wasmPlatformFetch: true,
    modelBasePath: folder("@vladmandic/human/models"),
    cacheSensitivity: 0,
    filter: off,
    gesture: off,
    body: off,
    hand: off,
    object: off,
    segmentation: off,
    face: {
      enabled: true,
      // The default confidence, 0.2, sees a face too many in the group: more work than there is.
      detector: { minConfidence: 0.5, maxDetected: 100, skipFrames: 0, skipTime: 0 },
      mesh: { enabled: true },
      iris: off,
      description: anew,
      emotion: anew,
      antispoof: anew,
      liveness: anew,
    },
  });
  await human.load();
  const models = join(PACKAGES, "@vladmandic/human/models");
  const about = { version: versionOf("@vladmandic/human"), model_bytes: bytesOf(models, NETWORKS) };
  await serve(human.tf, about, async (tensor) => {
    const result = await human.detect(tensor);
    if (result.error) throw new Error(result.error);
    return result.face.filter(isComplete).length;
  });
}

const isComplete = (face) =>
  face.mesh.length >= 468 &&
  face.embedding.length === 1024 &&
  face.age > 0 &&
  face.emotion.length > 0 &&
  Number.isFinite(face.real) &&
  Number.isFinite(face.live);

main();
