// @vladmandic/face-api: a detector (tiny or ssd, as the first argument says), landmarks, expressions, age and gender,
// descriptors.
"use strict";

const { join } = require("node:path");
const { PACKAGES, bytesOf, folder, serve, versionOf } = require("./answering.js");
const tf = require("@tensorflow/tfjs");
const { setWasmPaths } = require("@tensorflow/tfjs-backend-wasm");
const faceapi = require(join(PACKAGES, "@vladmandic/face-api/dist/face-api.node-wasm.js"));

const DETECTORS = {
  tiny: ["tinyFaceDetector", "tiny_face_detector", () => new faceapi.TinyFaceDetectorOptions()],
  ssd: ["ssdMobilenetv1", "ssd_mobilenetv1", () => new faceapi.SsdMobilenetv1Options()],
};
const [DETECTOR, DETECTOR_FILE, optionsOf] = DETECTORS[process.argv[2]];

const NETWORKS = {
  [DETECTOR]: DETECTOR_FILE,
  faceLandmark68Net: "face_landmark_68_model",
  faceExpressionNet: "face_expression",
  ageGenderNet: "age_gender",
  faceRecognitionNet: "face_recognition",
};

async function main() {
  setWasmPaths(folder("@tensorflow/tfjs-backend-wasm/dist"), true);
  await tf.setBackend("wasm");
  tf.enableProdMode();
  const models = join(PACKAGES, "@vladmandic/face-api/model");
  for (const network of Object.keys(NETWORKS)) await faceapi.nets[network].loadFromDisk(models);
  const about = {
    version: versionOf("@vladmandic/face-api"),
    model_bytes: bytesOf(models, Object.values(NETWORKS)),
  };
  const options = optionsOf();
  await serve(tf, about, async (tensor) => {
    const faces = await faceapi
      .detectAllFaces(tensor, options)
      .withFaceLandmarks()
      .withFaceExpressions()
      .withAgeAndGender()
      .withFaceDescriptors();
    return faces.filter(isComplete).length;
  });
}

const isComplete = (face) =>
  face.landmarks.positions.length === 68 &&
  face.descriptor.length === 128 &&
  face.age > 0 &&
  Number.isFinite(face.expressions.happy);

main();
