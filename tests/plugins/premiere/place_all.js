// Loads the hand-over in a folder as the panel does, places and marks every moment in a fake Premiere under each setting,
// and prints, for each setting, what is there: node place_all.js FOLDER MEDIA (a file with the media, by path).

const fs = require("node:fs");
const { load } = require("../../../plugins/premiere/panel/outbox.js");
const { markClip, place } = require("../../../plugins/premiere/panel/moments.js");
const { everySetting, makePremiere } = require("./fake_premiere.js");
const { makeFiles } = require("./fake_uxp.js");

async function run([folder, facts]) {
  const job = await load(await makeFiles([folder]).getFolder());
  const media = JSON.parse(fs.readFileSync(facts, "utf8"));
  for (const setting of everySetting()) {
    const fake = makePremiere(setting, media);
    const said = [];
    for (const moment of job.moments) said.push(...(await place(fake.premiere, moment)), ...(await markClip(fake.premiere, moment)));
    const text = (_, value) => (typeof value === "bigint" ? String(value) : value);
    const placed = fake.sequence.placed.map(({ clip, at, from, length }) => ({ path: clip.path, at, from, length }));
    const markers = fake.clips().flatMap((clip) => clip.markers.map(({ name, frame, length }) => ({ path: clip.path, name, frame, length })));
    console.log(JSON.stringify({ said, placed, markers, clips: fake.clips().length }, text));
  }
}

void run(process.argv.slice(2));
