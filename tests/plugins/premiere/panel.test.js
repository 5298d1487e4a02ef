// The panel as its user sees it: buttons, the list, and what is said.

const test = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { makePanel } = require("../../../plugins/premiere/panel/panel.js");
const { everySetting, makePremiere } = require("./fake_premiere.js");
const { everySetting: everyUxp, makeClock, makeFiles, makeKept, makeNet, makeObjectUrl, makePage, makeSecure } = require("./fake_uxp.js");

const HTML = fs.readFileSync(path.join(__dirname, "../../../plugins/premiere/panel/index.html"), "utf8");
const PARK = "/footage/park.mov";
const FRAME = 10160640000n; // at 25
const dog = {
  id: "8f3c", media: PARK, other_spellings: [], rate: "25/1", rate_name: "25", frames: 500, in_frame: 10, out_frame: 30,
  start_frame: 12, end_frame: 28, start_tc: "01:00:00:12", vfr: false, name: "a dog", note: "score 0.82", score: 82,
};

function handOver(changes = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "outbox-"));
  const job = { schema: 1, kind: "timerefine hand-over", name: "dogs", moments: [dog, { ...dog, name: "two" }], ...changes };
  fs.writeFileSync(path.join(folder, "latest.json"), JSON.stringify(job));
  fs.writeFileSync(path.join(folder, "latest.xml"), "<xmeml/>");
  return folder;
}

function open(picks, kept = makeKept(), faults = {}) {
  const fake = makePremiere(everySetting()[0], { [PARK]: { start: 0n, duration: FRAME * 500n } }, faults);
  const files = makeFiles(picks);
  const page = makePage(HTML);
  const net = makeNet(everyUxp()[0], makeClock(), new Map(), []); // the hand-over needs no network
  const host = { premiere: fake.premiere, files, kept, page, net, secure: makeSecure("null"), ...makeObjectUrl("data") };
  const panel = makePanel(host);
  const part = (id) => page.getElementById(id);
  const texts = (id) => part(id).children.map((each) => each.textContent);
  const until = async () => {
    do await new Promise((resolve) => setTimeout(resolve, 1)); while (part("panel").className === "busy");
  };
  const press = async (button) => { button.click(); await until(); };
  const button = (row, label) => part("moments").children[row].children.find((each) => each.textContent === label);
  return { ...fake, files, kept, panel, part, texts, press, button };
}

test("the folder is picked once, also over sessions", async () => {
  const folder = handOver();
  const first = open([folder]);
  await first.panel.start();
  assert.deepEqual([first.files.asked, first.texts("log")], [0, []]);
  await first.press(first.part("load"));
  await first.press(first.part("load"));
  assert.deepEqual([first.files.asked, first.texts("log"), first.part("name").textContent], [1, ["2 moments"], "dogs"]);
  const shown = first.part("moments").children[0].children.map((each) => each.textContent);
  assert.deepEqual(shown, ["a dog (82 %)", "01:00:00:12, 16 frames", "Place", "Marker", "Open"]);

  const later = open([], first.kept);
  await later.panel.start();
  assert.equal(later.part("moments").children.length, 2);
  fs.rmSync(folder, { recursive: true });
  const gone = open([null, handOver()], first.kept);
  await gone.panel.start();
  await gone.press(gone.part("load"));
  assert.match(gone.texts("log").join(), /Choose the outbox folder/);
  await gone.press(gone.part("load"));
  assert.deepEqual(gone.texts("log"), ["2 moments"]);
});

test("another folder can be chosen, and a cancel changes nothing", async () => {
  const panel = open([handOver(), null, handOver({ name: "cats", moments: [dog] })]);
  await panel.press(panel.part("load"));
  await panel.press(panel.part("folder"));
  assert.equal(panel.part("name").textContent, "dogs");
  await panel.press(panel.part("folder"));
  assert.deepEqual([panel.part("name").textContent, panel.part("moments").children.length], ["cats", 1]);
  await panel.press(panel.part("load"));
  assert.equal(panel.part("name").textContent, "cats");
});

test("each button does its work on its moment and says so", async () => {
  const panel = open([handOver()]);
  await panel.press(panel.part("load"));
  await panel.press(panel.button(1, "Place"));
  assert.deepEqual(panel.texts("log"), ["Placed: two"]);
  assert.deepEqual([panel.sequence.placed[0].from, panel.sequence.placed[0].length], [FRAME * 10n, FRAME * 20n]);
  await panel.press(panel.button(0, "Marker"));
  assert.deepEqual(panel.texts("log"), ["Marked: a dog"]);
  assert.equal(panel.clips()[0].markers[0].frame, FRAME * 12n);
  await panel.press(panel.button(0, "Open"));
  assert.deepEqual([panel.texts("log"), panel.monitorAt()], [["Opened: a dog"], FRAME * 10n]);
  await panel.press(panel.part("sequence"));
  assert.match(panel.texts("log").join(), /^Imported: from .*latest\.xml$/);
  assert.equal(panel.sequences.length, 2);
});

test("two clicks do one thing, and a failure leaves the buttons usable", async () => {
  const panel = open([handOver()]);
  await panel.press(panel.part("load"));
  panel.button(0, "Place").click();
  panel.button(1, "Place").click();
  assert.deepEqual([panel.part("panel").className, panel.texts("log")], ["busy", ["Working…"]]);
  await panel.press(panel.part("folder"));
  assert.equal(panel.sequence.placed.length, 1);
  const locked = open([handOver()], makeKept(), { track_locked: true });
  await locked.press(locked.part("load"));
  await locked.press(locked.button(0, "Place"));
  assert.match(locked.texts("log").join(), /placed nothing/);
  await locked.press(locked.button(0, "Marker"));
  assert.deepEqual(locked.texts("log"), ["Marked: a dog"]);
});

test("a hand-over that can't be used is a sentence", async () => {
  const broken = handOver();
  fs.writeFileSync(path.join(broken, "latest.json"), '{"schema": 1');
  const empty = fs.mkdtempSync(path.join(os.tmpdir(), "outbox-"));
  const half = { ...dog, in_frame: 10.5 };
  for (const [folder, expected] of [
    [broken, /damaged/],
    [empty, /There is no latest.json in .*outbox-/],
    [handOver({ kind: "another" }), /no hand-over of TimeRefine/],
    [handOver({ schema: 2 }), /schema 2, and this panel knows 1/],
    [handOver({ moments: "none" }), /incomplete/],
    ...[half, null, { ...dog, rate: "0/1" }, { ...dog, out_frame: 10 }, { ...dog, media: 5 }].map((each) => [
      handOver({ moments: [each] }), /incomplete/,
    ]),
  ]) {
    const panel = open([folder]);
    await panel.press(panel.part("load"));
    assert.match(panel.texts("log").join(), expected);
    assert.equal(panel.part("moments").children.length, 0);
  }
  const without = open([empty]);
  await without.press(without.part("sequence"));
  assert.match(without.texts("log").join(), /There is no latest.xml/);
});
