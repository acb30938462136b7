// What face-api's own code, on its own TensorFlow.js, says of face chips: the reference for our ONNX graphs.
// Usage: node faceapi_reference.mjs LIBRARY WEIGHTS_FOLDER expression|age_gender < chips > answer
// stdin: float32 chips of shape (n, 112, 112, 3), RGB, 0-255. stdout: JSON, one row a chip: the seven
// probabilities, or the age in years and the probability of male.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

// The bundle is made for browsers and looks for one as it loads.
globalThis.window = globalThis;
globalThis.document = {};

const [library, folder, task] = process.argv.slice(2);
const faceapi = await import(pathToFileURL(library).href);
const { tf } = faceapi;
await tf.setBackend('cpu');

function load(net, name) {
  const manifest = JSON.parse(readFileSync(`${folder}/${name}-weights_manifest.json`, 'utf8'));
  const binary = new Uint8Array(readFileSync(`${folder}/${name}.bin`)).buffer;
  net.loadFromWeightMap(tf.io.decodeWeights(binary, manifest.flatMap((group) => group.weights)));
  return net;
}

const values = new Float32Array(new Uint8Array(readFileSync(0)).buffer);
const side = 112;
const chips = tf.tensor4d(values, [values.length / (side * side * 3), side, side, 3]);
const input = new faceapi.NetInput(tf.unstack(chips), true);

const tasks = {
  expression: () => load(new faceapi.FaceExpressionNet(), 'face_expression_model').forwardInput(input).arraySync(),
  age_gender: () => {
    const { age, gender } = load(new faceapi.AgeGenderNet(), 'age_gender_model').forwardInput(input);
    const ages = age.arraySync();
    return gender.arraySync().map(([male], row) => [ages[row], male]);
  },
};
process.stdout.write(JSON.stringify(tasks[task]()));
