// Searching from the panel as its user sees it, under every setting of what isn't known of UXP.

const test = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { base64 } = require("../../../plugins/premiere/panel/pictures.js");
const { makePanel } = require("../../../plugins/premiere/panel/panel.js");
const premiere = require("./fake_premiere.js");
const { makeTimeRefine, picture, WRONG_CODE } = require("./fake_timerefine.js");
const uxp = require("./fake_uxp.js");

const PANEL = path.join(__dirname, "../../../plugins/premiere/panel");
const HTML = fs.readFileSync(path.join(PANEL, "index.html"), "utf8");
const ALLOWED = JSON.parse(fs.readFileSync(path.join(PANEL, "manifest.json"), "utf8")).requiredPermissions.network.domains;
const EASY = uxp.everySetting()[0];
const FRAME = 8475667200n; // at 29.97
const SECOND = 254016000000n;
const PARK = "/footage/park.mov";
const BEACH = "C:\\Footage\\beach.mp4";
const MEDIA = {
  [PARK]: { start: SECOND * 3603n, duration: FRAME * 5400n, fps: 29.97 },
  [BEACH]: { start: 0n, duration: FRAME * 900n, fps: 29.97 },
};

const step = (start_frame, end_frame, start_tc, end_tc) => ({ start_frame, end_frame, start_tc, end_tc });
const facts = (media, frames) => ({
  media, frames, rate: "30000/1001", rate_name: "29.97", drop_frame: true, media_start_tc: "01:00:00;00", vfr: false,
  name: "a dog", note: "score 0.82, strong", score: 82,
});
const park = {
  id: "8f3c00000000000a", facts: facts(PARK, 5400), score: 0.82, stop: 1,
  steps: [step(890, 1060, "01:00:29;20", "01:00:35;10"), step(899, 1049, "01:00:29;29", "01:00:34;29")],
};
const closer = { ...park, stop: 2, score: 0.9, steps: [...park.steps, step(901, 1048, "01:00:30;01", "01:00:34;28")] };
const beach = {
  id: "0b0b00000000000b", facts: facts(BEACH, 900), score: 0.4, stop: 0, steps: [step(0, 1, "00:00:00;00", "00:00:00;01")],
};

/** A panel that is open, with a TimeRefine at `port`. */
async function open(setting, { kept = new Map(), sent, port, servers, net } = {}) {
  const clock = uxp.makeClock();
  const timerefine = makeTimeRefine(clock, port);
  const fake = premiere.makePremiere(premiere.everySetting()[0], MEDIA);
  const page = uxp.makePage(HTML, setting.images);
  const secure = uxp.makeSecure(setting.secure, kept);
  const objects = uxp.makeObjectUrl(setting.images);
  const local = servers?.(timerefine) ?? new Map([[timerefine.port, timerefine]]);
  const host = {
    premiere: fake.premiere, files: uxp.makeFiles([]), kept: uxp.makeKept(), page, secure, objectUrl: objects.objectUrl,
    net: net ?? uxp.makeNet(setting, clock, local, ALLOWED, sent),
  };
  const { aborted } = host.net;
  const panel = makePanel(host);
  const part = (id) => page.getElementById(id);
  const row = (at) => part("found").children[at].children;
  const image = (at) => {
    const { src } = row(at)[0];
    if (setting.images === "none") return null;
    return Buffer.from(src.startsWith("data:") ? Buffer.from(src.split(",")[1], "base64") : objects.given.get(src));
  };
  const opened = {
    ...fake, clock, timerefine, panel, part, row, image, kept, aborted,
    state: () => part("state").textContent,
    log: () => part("log").children.map((each) => each.textContent),
    rows: () => part("found").children.map((each) => each.children.slice(1, 4).map((text) => text.textContent)),
    steps: (at) => row(at)[4].children,
    tick: (at) => row(at).at(-1).children[0],
    async press(button) {
      button.click();
      await clock.idle();
    },
    button: (at, label) => row(at).find((each) => each.textContent === label),
    async pair(code = timerefine.code) {
      part("code").value = code;
      await opened.press(part("pair"));
    },
    async search(query) {
      part("query").value = query;
      await opened.press(part("search"));
    },
    async tell(kind, moments) {
      timerefine.tell(kind, moments);
      await clock.idle();
    },
  };
  await panel.start();
  return opened;
}

/** An open panel that is paired and searches. */
async function searching(setting, options) {
  const panel = await open(setting, options);
  await panel.pair();
  await panel.search("a dog");
  return panel;
}

function everywhere(name, run) {
  test(`${name}, under every setting`, async () => {
    const settings = uxp.everySetting();
    assert.equal(settings.length, 54);
    for (const setting of settings) {
      try {
        await run(setting);
      } catch (error) {
        error.message = `${JSON.stringify(setting)}: ${error.message}`;
        throw error;
      }
    }
  });
}

const placed = (panel) => panel.sequence.placed.map((each) => [each.clip.path, each.from / FRAME, each.length / FRAME]);
/** The image of a row shows the frame, if images show anything. */
function shows(panel, at, moment, frame) {
  const bytes = panel.image(at);
  if (bytes) assert.deepEqual(bytes, picture(moment.id, frame, 320));
}

everywhere("moments are shown as they are found, each with its exact first frame", async (setting) => {
  const panel = await searching(setting);
  assert.equal(panel.state(), "Searching…");
  await panel.tell("moments", [park]);
  assert.equal(panel.state(), "1 moment so far. Searching…");
  assert.deepEqual(panel.rows(), [["1. park.mov", "01:00:29;29 to 01:00:34;29, 150 frames", "82 %, strong"]]);
  shows(panel, 0, park, 899);
  await panel.tell("moments", [closer, beach]);
  await panel.clock.pass(25000); // the server may wait, and then has nothing new
  await panel.tell("answer", [beach, closer]);
  assert.equal(panel.state(), "2 moments");
  assert.deepEqual(panel.rows(), [
    ["1. beach.mp4", "00:00:00;00 to 00:00:00;01, 1 frame", "40 %, guess"],
    ["2. park.mov", "01:00:30;01 to 01:00:34;28, 147 frames", "90 %, strong"],
  ]);
  shows(panel, 0, beach, 0);
  shows(panel, 1, park, 901);
  if (setting.images === "none") assert.match(panel.row(0)[0].src, /^object:/); // it was tried
  assert.equal(panel.clock.waiting(), 0);
  assert.deepEqual(panel.timerefine.requests.filter((each) => each.startsWith("DELETE")), []);
});

everywhere("each button works with the frames of the step that was chosen", async (setting) => {
  const panel = await searching(setting);
  await panel.tell("answer", [closer, beach]);
  await panel.press(panel.button(0, "Place"));
  assert.deepEqual([panel.log(), placed(panel)], [["Placed: a dog"], [[PARK, 901n, 147n]]]);
  assert.deepEqual(panel.steps(0).map((each) => each.textContent), ["Rough", "Step 1", "● Step 2"]);
  await panel.press(panel.steps(0)[0]);
  assert.deepEqual(panel.steps(0).map((each) => each.textContent), ["● Rough", "Step 1", "Step 2"]);
  assert.equal(panel.rows()[0][1], "01:00:29;20 to 01:00:35;10, 170 frames");
  shows(panel, 0, park, 890);
  await panel.press(panel.button(0, "Place"));
  assert.deepEqual(placed(panel)[1], [PARK, 890n, 170n]);
  await panel.press(panel.button(0, "Marker"));
  const [marker] = panel.clips()[0].markers;
  assert.deepEqual([panel.log(), marker.frame / FRAME, marker.length / FRAME], [["Marked: a dog"], 890n, 170n]);
  await panel.press(panel.steps(0)[1]);
  await panel.press(panel.button(0, "Open"));
  assert.deepEqual([panel.log(), panel.monitorAt()], [["Opened: a dog"], FRAME * 899n]);
  await panel.press(panel.button(1, "Place"));
  assert.deepEqual(placed(panel)[2], [BEACH, 0n, 1n]);
});

everywhere("found moments are imported as a sequence, those that are ticked, with the chosen steps", async (setting) => {
  const panel = await searching(setting);
  await panel.press(panel.part("together"));
  assert.match(panel.log().join(), /Search first/);
  await panel.tell("answer", [closer, beach]);
  await panel.press(panel.part("together"));
  assert.deepEqual(panel.log(), ["Imported: from /out box/latest.xml", "A note."]);
  panel.tick(0).checked = true;
  await panel.press(panel.steps(0)[1]);
  await panel.press(panel.part("together"));
  const frames = panel.timerefine.exported.map(({ format, moments }) => [
    format, moments.map((each) => [each.id, each.in_frame, each.out_frame]),
  ]);
  assert.deepEqual(frames, [
    ["handover", [[park.id, 901, 1048], [beach.id, 0, 1]]],
    ["handover", [[park.id, 899, 1049]]],
  ]);
  assert.equal(panel.sequences.length, 3);
});

everywhere("the frames that are shown are imported, also if TimeRefine has others by now", async (setting) => {
  const panel = await searching(setting);
  await panel.tell("answer", [park]);
  panel.timerefine.refine(closer);
  await panel.press(panel.part("together"));
  const [{ moments: [moment] }] = panel.timerefine.exported;
  assert.deepEqual([moment.in_frame, moment.out_frame], [899, 1049]);
});

everywhere("moments of a query that is longer than a name may be are imported", async (setting) => {
  const panel = await open(setting);
  await panel.pair();
  await panel.search("a dog ".repeat(300));
  await panel.tell("answer", [park]);
  await panel.press(panel.part("together"));
  assert.match(panel.log().join(), /^Imported/);
});

everywhere("a row keeps its elements, its tick and its chosen step while its moment is refined", async (setting) => {
  const panel = await searching(setting);
  await panel.tell("moments", [park, beach]);
  const [row] = panel.part("found").children;
  panel.tick(0).checked = true;
  await panel.press(panel.steps(0)[0]);
  const buttons = [...panel.steps(0)];
  await panel.tell("moments", [closer, beach]);
  assert.equal(panel.part("found").children[0], row);
  assert.deepEqual([panel.steps(0).slice(0, 2), panel.tick(0).checked], [buttons, true]);
  assert.deepEqual(panel.steps(0).map((each) => each.textContent), ["● Rough", "Step 1", "Step 2"]);
  await panel.press(panel.steps(0)[2]);
  await panel.tell("answer", [beach, { ...park, stop: 0, steps: park.steps.slice(0, 1) }]);
  assert.equal(panel.rows()[1][1], "01:00:29;20 to 01:00:35;10, 170 frames"); // the chosen step is gone
  assert.equal(panel.part("found").children[1], row);
  assert.deepEqual(panel.steps(1), buttons.slice(0, 1));
});

everywhere("a new search ends the one before, and nothing that it finds is shown", async (setting) => {
  const panel = await searching(setting);
  await panel.tell("moments", [park]);
  await panel.search("a beach");
  assert.deepEqual([panel.state(), panel.rows()], ["Searching…", []]);
  const [first, second] = [...panel.timerefine.searches.values()];
  assert.deepEqual([first.done, second.done, second.query], [true, false, "a beach"]);
  await panel.tell("answer", [beach]);
  assert.deepEqual([panel.state(), panel.rows().length], ["1 moment", 1]);
  await panel.clock.pass(60000);
  assert.deepEqual([panel.state(), panel.rows().length], ["1 moment", 1]);
});

everywhere("two searches at once are one, also if the answer to the first comes late", async (setting) => {
  const panel = await open(setting);
  await panel.pair();
  const { searches } = panel.timerefine;
  let late = () => {};
  panel.timerefine.instead.set("/v1/searches", () => new Promise((resolve) => (late = resolve)));
  await panel.search("a dog");
  panel.timerefine.instead.clear();
  await panel.search("a beach");
  searches.set("late", { id: "late", query: "a dog", events: [], waiting: [], done: false });
  late({ status: 202, type: "application/json", body: '{"id": "late"}' });
  await panel.clock.idle();
  assert.equal(searches.get("late").done, true);
  assert.equal(panel.state(), "Searching…");
  panel.part("query").value = "again";
  panel.part("search").click();
  panel.part("search").click();
  await panel.clock.idle();
  assert.deepEqual([...searches.values()].filter((each) => !each.done).map((each) => each.query), ["again"]);
});

everywhere("Stop and closing the panel end the search, and say so", async (setting) => {
  const panel = await searching(setting);
  await panel.tell("moments", [park]);
  await panel.press(panel.part("stop"));
  assert.deepEqual([panel.state(), panel.rows().length], ["Stopped.", 1]);
  await panel.search("a dog");
  panel.panel.close();
  await panel.clock.idle();
  assert.match(panel.state(), /ended when the panel was closed/);
  assert.deepEqual([...panel.timerefine.searches.values()].map((each) => each.done), [true, true]);
  await panel.search("a dog");
  await panel.tell("answer", [park]);
  panel.panel.close(); // nothing is under way
  await panel.press(panel.part("stop"));
  assert.equal(panel.state(), "1 moment");
});

everywhere("the panel is paired once, also over sessions, until it is to forget", async (setting) => {
  const panel = await open(setting);
  const shown = () => ["pairing", "forget"].map((id) => panel.part(id).className);
  assert.deepEqual(shown(), ["", "away"]);
  await panel.search("a dog");
  assert.match(panel.state(), /Pair this panel with TimeRefine first/);
  await panel.pair("");
  assert.match(panel.log().join(), /Enter the code that TimeRefine shows/);
  await panel.pair("WRNG-WRNG");
  assert.deepEqual(panel.log(), [WRONG_CODE]);
  assert.deepEqual(shown(), ["", "away"]);
  await panel.pair(" abcdefgh ");
  const isKept = setting.secure !== "throws";
  assert.match(panel.log().join(), isKept ? /^Paired with TimeRefine.$/ : /Paired until Premiere is closed/);
  assert.deepEqual([shown(), panel.part("code").value], [["away", ""], ""]);
  await panel.search("a dog");
  assert.equal(panel.state(), "Searching…");
  assert.deepEqual([...panel.kept.keys()], isKept ? ["timerefine.token"] : []);

  const later = await open(setting, { kept: panel.kept });
  assert.equal(later.part("pairing").className, isKept ? "away" : "");
  await panel.press(panel.part("forget"));
  assert.deepEqual([shown(), panel.kept.size, panel.state()], [["", "away"], 0, "Stopped."]);
  await panel.search("a dog");
  assert.match(panel.state(), /Pair this panel/);
  await panel.press(panel.part("forget"));
  assert.match(panel.log().join(), /Forgotten/);
});

test("what was kept and is no token is none", async () => {
  const panel = await open(EASY, { kept: new Map([["timerefine.token", "two words"]]) });
  assert.equal(panel.part("pairing").className, "");
});

everywhere("TimeRefine is found at each of its ports, beside programs of others", async (setting) => {
  const other = { answer: async () => ({ status: 200, body: "<html>" }), isStopped: false };
  const refusing = { answer: async () => ({ status: 403, body: "no" }), isStopped: false };
  for (const port of [47615, 47616, 47617]) {
    const servers = (timerefine) => new Map([[47615, other], [47616, refusing], [port, timerefine]]);
    const panel = await open(setting, { port, servers });
    panel.part("code").value = "ABCD-EFGH";
    panel.part("pair").click();
    await panel.clock.pass(3000); // until a port that hangs is given up
    assert.match(panel.log().join(), /^Paired/);
  }
});

everywhere("a TimeRefine that isn't there, refuses, or is another version is a sentence", async (setting) => {
  const kept = new Map();
  const says = async (expected, change, options) => {
    const panel = await open(setting, options);
    change(panel.timerefine);
    panel.part("code").value = "ABCD-EFGH";
    panel.part("pair").click();
    await panel.clock.pass(3000);
    assert.match(panel.log().join(), expected);
    assert.equal(panel.part("panel").className, "");
  };
  await says(/^TimeRefine doesn't answer on this computer. Start it .*tr-desktop serve.* press Load.$/, (server) => server.stop());
  await says(/of different versions. Install the panel again/, (server) => (server.health.api = 2));
  await says(/^TimeRefine doesn't answer/, (server) => (server.health.name = "Another"));
  await says(/^TimeRefine refuses this panel: Only programs may ask.$/, () => {}, { sent: { Origin: "null" } });
  const refusing = { answer: async () => ({ status: 403, body: "no" }), isStopped: false };
  await says(/^TimeRefine doesn't answer/, () => {}, { servers: () => new Map([[47616, refusing]]) });
  if (setting.secure === "throws") return;
  kept.set("timerefine.token", "t");
  const panel = await open(setting, { kept });
  panel.timerefine.stop();
  await panel.search("a dog");
  await panel.clock.pass(3000);
  assert.match(panel.state(), /^TimeRefine doesn't answer/);
});

everywhere("a TimeRefine that stops in the search is a sentence, and what was found stays", async (setting) => {
  const panel = await searching(setting);
  await panel.tell("moments", [park]);
  panel.timerefine.stop();
  await panel.clock.pass(60000);
  const expected = setting.closed === "throws" ? "has stopped answering. Start it again" : "takes too long to answer. See what";
  assert.match(panel.state(), new RegExp(`^TimeRefine ${expected}.* 1 moment had been found.$`));
  panel.button(0, "Place").click();
  await panel.clock.pass(60000);
  assert.match(panel.log().join(), /^TimeRefine doesn't answer/);
  panel.timerefine.start();
  await panel.press(panel.button(0, "Place"));
  assert.match(panel.log().join(), /doesn't know this any more.*Search again/);
  await panel.press(panel.part("together"));
  assert.match(panel.log().join(), /Search again/);
  assert.deepEqual(panel.sequence.placed, []);
  await panel.search("a dog");
  await panel.tell("answer", [park]);
  assert.equal(panel.state(), "1 moment");
  await panel.clock.pass(3000);
  assert.equal(panel.clock.waiting(), 0);
});

everywhere("a pairing that was revoked is a sentence, and the field for a code is there again", async (setting) => {
  const panel = await searching(setting);
  await panel.tell("moments", [park]);
  panel.timerefine.revoke();
  await panel.clock.pass(30000);
  assert.match(panel.state(), /isn't paired with TimeRefine any more. Let TimeRefine show a code, and enter it here./);
  assert.equal(panel.part("pairing").className, "");
  await panel.pair("");
  panel.timerefine.code = "EFGH-1234";
  await panel.pair();
  assert.equal(panel.part("pairing").className, "away");
  await panel.press(panel.button(0, "Place"));
  assert.deepEqual(placed(panel), [[PARK, 899n, 150n]]);
  panel.timerefine.revoke();
  await panel.press(panel.button(0, "Marker"));
  assert.match(panel.log().join(), /isn't paired/);
  assert.equal(panel.part("pairing").className, "");
});

everywhere("a search that fails, is ended elsewhere, finds nothing or is silent ends with a sentence", async (setting) => {
  const ends = async (expected, end) => {
    const panel = await searching(setting);
    await end(panel);
    await panel.clock.idle();
    assert.match(panel.state(), expected);
    await panel.clock.pass(60000);
    assert.equal(panel.clock.waiting(), 0);
    return panel;
  };
  await ends(/^The search failed: The disk is gone.$/, (panel) => panel.tell("error"));
  await ends(/^The search was ended in TimeRefine. Search again.$/, (panel) => panel.tell("cancelled"));
  await ends(/^Nothing was found. Is the footage indexed/, (panel) => panel.tell("answer", []));
  const silent = await ends(/^TimeRefine found nothing new for five minutes/, (panel) => panel.clock.pass(301000));
  assert.equal([...silent.timerefine.searches.values()][0].done, true);
  const late = await ends(/^TimeRefine takes too long to answer/, async (panel) => {
    panel.timerefine.instead.set("/v1/searches/s1/events", () => new Promise(() => {}));
    await panel.clock.pass(51000);
  });
  assert.equal([...late.timerefine.searches.values()][0].done, true);
  const aborted = late.aborted.filter((each) => each !== "/v1/health"); // ports that hang
  assert.deepEqual(aborted, setting.abort === "works" ? ["/v1/searches/s1/events"] : []);
  await ends(/^TimeRefine found nothing new/, async (panel) => {
    const body = JSON.stringify({ events: [{ n: 1, kind: "moments", moments: [] }], done: false }); // again and again
    panel.timerefine.instead.set("/v1/searches/s1/events", { status: 200, type: "application/json", body });
    await panel.clock.pass(60000);
  });
  const empty = await open(setting);
  await empty.search("  ");
  assert.equal(empty.state(), "Write what to look for.");
});

test("an answer that isn't as specified is a sentence", async () => {
  const answer = (body) => ({ status: 200, type: "application/json", body });
  const told = (moment) => answer(JSON.stringify({ events: [{ n: 1, kind: "moments", moments: [moment] }], done: false }));
  const { asFound } = require("./fake_timerefine.js");
  const right = asFound(park, 0);
  for (const [start, body] of [
    ["/v1/searches", answer("{}")],
    ["/v1/searches", answer('{"id": "../x"}')],
    ["/v1/searches/s1/events", answer("<html>")],
    ["/v1/searches/s1/events", answer('{"events": 5}')],
    ["/v1/searches/s1/events", answer('{"events": [{"n": 1.5, "kind": "moments", "moments": []}]}')],
    ["/v1/searches/s1/events", answer('{"events": [{"n": 1, "kind": "answer"}], "done": true}')],
    ...[null, { ...right, id: "../../x" }, { ...right, stop: 2 }, { ...right, stop: 0, steps: [{ ...right.steps[0], start_frame: 0.5 }] },
      { ...right, media: null }, { ...right, stop: 0, steps: [{ ...right.steps[0], end_frame: 890 }] },
    ].map((moment) => ["/v1/searches/s1/events", told(moment)]),
  ]) {
    const panel = await open(EASY);
    await panel.pair();
    panel.timerefine.instead.set(start, body);
    await panel.search("a dog");
    assert.match(panel.state(), /doesn't understand. Install the panel again/, JSON.stringify(body));
    assert.deepEqual(panel.rows(), []);
  }
  const panel = await open(EASY);
  panel.timerefine.instead.set("/v1/pairings", answer('{"token": "two words"}'));
  await panel.pair();
  assert.match(panel.log().join(), /doesn't understand/);
  assert.equal(panel.kept.size, 0);
});

test("nothing is placed but what is shown", async () => {
  const panel = await searching(EASY);
  await panel.tell("answer", [park]);
  const { handedOver } = require("./fake_timerefine.js");
  const right = handedOver(park, 1);
  const handover = (changes) => {
    const body = JSON.stringify({ moments: [{ ...right, ...changes }] });
    panel.timerefine.instead.set(`/v1/moments/${park.id}/handover`, { status: 200, type: "application/json", body });
  };
  for (const [changes, expected] of [
    [{ start_frame: 900 }, /has other frames/],
    [{ end_frame: 1050 }, /has other frames/],
    [{ rate: "25/1" }, /has other frames/],
    [{ id: beach.id }, /has other frames/],
    [{ media: BEACH }, /has other frames/],
    [{ in_frame: 899.5 }, /incomplete/],
    [{ other_spellings: null }, /incomplete/],
  ]) {
    handover(changes);
    await panel.press(panel.button(0, "Place"));
    assert.match(panel.log().join(), expected);
  }
  assert.deepEqual([panel.sequence.placed, panel.clips().length], [[], 0]);
  handover({ vfr: true, in_frame: 905, start_frame: 905 }); // counted by time
  await panel.press(panel.button(0, "Place"));
  assert.deepEqual(placed(panel), [[PARK, 905n, 144n]]);
});

test("without the words and timecodes of newer versions, frames are shown", async () => {
  const { asFound } = require("./fake_timerefine.js");
  const panel = await searching(EASY);
  const old = { ...asFound(park, 0), level: undefined };
  old.steps = old.steps.map((each) => ({ ...each, start_tc: undefined, end_tc: undefined }));
  const body = JSON.stringify({ events: [{ n: 1, kind: "answer", answer: { moments: [old, { ...old, id: beach.id, confident: false }] } }], done: true });
  panel.timerefine.instead.set("/v1/searches/s1/events", { status: 200, type: "application/json", body });
  await panel.clock.pass(20000);
  assert.deepEqual(panel.rows().map((each) => each[2]), ["82 %", "82 %, guess"]);
  assert.equal(panel.rows()[0][1], "01:00:29;29 to 01:00:34;29, 150 frames");
  await panel.press(panel.steps(0)[0]);
  assert.equal(panel.rows()[0][1], "frame 890 to 1060, 170 frames");
});

test("a picture that can't be had is said at its place, and pictures of an earlier search aren't asked for", async () => {
  const panel = await searching(EASY);
  panel.timerefine.instead.set(`/v1/moments/${park.id}/picture`, { status: 500, type: "application/json", body: "{}" });
  await panel.tell("moments", [park, beach]);
  assert.equal(panel.row(0)[0].title, "TimeRefine has no picture of this frame");
  shows(panel, 1, beach, 0);
  let late = () => {};
  panel.timerefine.instead.set(`/v1/moments/${park.id}/picture`, () => new Promise((resolve) => (late = resolve)));
  await panel.press(panel.steps(0)[0]);
  await panel.tell("moments", [park, { ...beach, steps: [step(5, 6, "00:00:00;05", "00:00:00;06")] }]);
  const asked = () => panel.timerefine.requests.filter((each) => each.includes("/picture")).length;
  const before = asked();
  await panel.search("a beach");
  late({ status: 500, type: "application/json", body: "{}" });
  await panel.clock.idle();
  assert.equal(asked(), before);
});

test("a picture that comes late doesn't replace the one that is wanted by then", async () => {
  const panel = await searching(EASY);
  let late = () => {};
  panel.timerefine.instead.set(`/v1/moments/${park.id}/picture?frame=899`, () => new Promise((resolve) => (late = resolve)));
  await panel.tell("moments", [park]);
  await panel.press(panel.steps(0)[0]);
  const set = [];
  Object.defineProperty(panel.row(0)[0], "src", { set: (address) => set.push(address) });
  late({ status: 200, type: "image/jpeg", body: picture(park.id, 899, 320) });
  await panel.clock.idle();
  assert.deepEqual(set.map((each) => Buffer.from(each.split(",")[1], "base64")), [picture(park.id, 890, 320)]);
});

test("Enter starts what the field is for, but not one that ends a word", async () => {
  const panel = await open(EASY);
  panel.part("code").value = "ABCD-EFGH";
  panel.part("code").press("Enter");
  await panel.clock.idle();
  assert.deepEqual(panel.log(), ["Paired with TimeRefine."]);
  panel.part("query").value = "a dog";
  panel.part("query").press("a");
  panel.part("query").press("Enter", true);
  await panel.clock.idle();
  assert.equal(panel.state(), "");
  panel.part("query").press("Enter");
  await panel.clock.idle();
  assert.equal(panel.state(), "Searching…");
});

test("bytes are written as base64 as Node does", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 83 + length * 7) % 256);
    assert.equal(base64(bytes), Buffer.from(bytes).toString("base64"));
  }
});

test("the program's own objects reach the panel, which is made once and ends its search when it is closed", async (context) => {
  const { clock, timerefine, press, premiere: fake } = await open(EASY);
  const Module = require("node:module");
  const load = Module._load;
  const page = uxp.makePage(HTML);
  let points;
  const given = {
    premierepro: fake,
    uxp: {
      entrypoints: { setup: (each) => (points = each) },
      storage: { localFileSystem: uxp.makeFiles([]), secureStorage: uxp.makeSecure("null") },
    },
  };
  const globals = {
    document: page, localStorage: uxp.makeKept(), AbortController: uxp.Abort,
    fetch: uxp.makeNet(EASY, clock, new Map([[timerefine.port, timerefine]]), ALLOWED).fetch,
  };
  const before = Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  Module._load = (name, ...others) => given[name] ?? load(name, ...others);
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  context.after(() => {
    Module._load = load;
    for (const [name, one] of before) if (one) Object.defineProperty(globalThis, name, one); else delete globalThis[name];
  });
  require(path.join(PANEL, "main.js"));
  const { show, hide, destroy } = points.panels.timerefine;
  hide(); // before it was ever shown
  show();
  show();
  page.getElementById("code").value = timerefine.code;
  await press(page.getElementById("pair"));
  assert.equal(page.getElementById("pairing").className, "away");
  page.getElementById("query").value = "a dog";
  for (const close of [hide, destroy]) {
    await press(page.getElementById("search"));
    close();
    await clock.idle();
    assert.match(page.getElementById("state").textContent, /when the panel was closed/);
  }
  assert.deepEqual([...timerefine.searches.values()].map((each) => each.done), [true, true]);
});

test("it works over real HTTP, with the headers of a real program", async (context) => {
  const timerefine = makeTimeRefine(globalThis);
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on("data", (each) => parts.push(each));
    request.on("end", async () => {
      const { method, url, headers } = request;
      const { status, type, body } = await timerefine.answer({ method, path: url, headers, body: Buffer.concat(parts).toString() });
      response.writeHead(status, { "Content-Type": type, Connection: "close" }).end(body);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const free = http.createServer();
  await new Promise((resolve) => free.listen(0, "127.0.0.1", resolve));
  const closed = free.address().port;
  await new Promise((resolve) => free.close(resolve));
  // The ports of the panel may be taken here: the second one is the server's, the others are closed.
  const ports = { 47615: closed, 47616: server.address().port, 47617: closed };
  const net = {
    fetch: (url, init) => fetch(url.replace(/476\d\d/, (port) => ports[port]), init),
    setTimeout, clearTimeout, AbortController,
  };
  const panel = await open(EASY, { net });
  const until = async (holds) => {
    for (let turn = 0; turn < 2000 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(holds());
  };
  panel.part("code").value = timerefine.code;
  panel.part("pair").click();
  await until(() => panel.log().join() === "Paired with TimeRefine.");
  panel.part("query").value = "a dog";
  panel.part("search").click();
  await until(() => timerefine.searches.size === 1);
  timerefine.tell("moments", [park]);
  await until(() => panel.state() === "1 moment so far. Searching…");
  timerefine.tell("answer", [closer, beach]);
  await until(() => panel.state() === "2 moments" && panel.row(0)[0].src && panel.row(1)[0].src);
  await until(() => panel.image(0).equals(picture(park.id, 901, 320)));
  panel.button(0, "Place").click();
  await until(() => panel.log().join() === "Placed: a dog");
  assert.deepEqual(placed(panel), [[PARK, 901n, 147n]]);
  panel.part("together").click();
  await until(() => panel.log()[0] === "Imported: from /out box/latest.xml");
  panel.part("search").click();
  await until(() => timerefine.searches.size === 2);
  panel.part("stop").click();
  await until(() => [...timerefine.searches.values()].at(-1).done);
  assert.equal(panel.state(), "Stopped.");
});
