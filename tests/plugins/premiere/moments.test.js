// What the panel does with a moment, under every setting of what isn't known of Premiere.

const test = require("node:test");
const assert = require("node:assert");
const { change, clipOf } = require("../../../plugins/premiere/panel/project.js");
const { framesIn, ticksOf } = require("../../../plugins/premiere/panel/time.js");
const { importSequence, markClip, openInSource, place } = require("../../../plugins/premiere/panel/moments.js");
const { everySetting, makePremiere } = require("./fake_premiere.js");

const SECOND = 254016000000n;
const FRAME = 8475667200n; // at 29.97
const PARK = "/footage/park.mov";
const media = { [PARK]: { start: SECOND * 3603n, duration: FRAME * 5400n, fps: 29.97 } };
const dog = {
  id: "8f3c000000000000", media: PARK, other_spellings: [], rate: "30000/1001", rate_name: "29.97", frames: 5400,
  in_frame: 869, out_frame: 1079, start_frame: 899, end_frame: 1049, start_tc: "01:00:29;29", vfr: false, name: "a dog",
  note: "score 0.82", score: 82,
};
const EASY = everySetting()[0];
const placed = (fake) => fake.sequence.placed.map((each) => [each.at, each.from, each.length].map((ticks) => ticks / FRAME));

function everywhere(name, run) {
  test(`${name}, under every setting`, async () => {
    const settings = everySetting();
    assert.equal(settings.length, 288);
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

test("a frame of every editing rate is whole ticks, through a day", () => {
  const rates = ["24000/1001", "24/1", "25/1", "30000/1001", "30/1", "48000/1001", "48/1", "50/1", "60000/1001", "60/1", "100/1", "120000/1001", "120/1"];
  for (const rate of rates) {
    const [over, under] = rate.split("/").map(BigInt);
    assert.equal((SECOND * under) % over, 0n);
    for (const frame of [0, 1, 1800, 107892, 2589407, 10368000]) {
      assert.equal(ticksOf(frame, rate), ((SECOND * under) / over) * BigInt(frame));
    }
  }
  assert.equal(ticksOf(1, "13/1"), (SECOND + 6n) / 13n); // the nearest, if there are none
});

test("a double is ticks off where the panel isn't", () => {
  let off = 0;
  for (let frame = 491044; frame < 492044; frame++) {
    off += Number(BigInt(Math.round(((frame * 1001) / 30000) * 254016000000)) !== ticksOf(frame, "30000/1001"));
  }
  assert.ok(off > 0);
  assert.equal(framesIn(FRAME * 3n, "30000/1001"), "3 frames");
  assert.equal(framesIn(FRAME * 3n + FRAME / 2n, "30000/1001"), "3.5 frames");
});

everywhere("cuts are placed one after another, exact to the tick", async (setting) => {
  const fake = makePremiere(setting, media);
  fake.sequence.at = FRAME * 10n;
  assert.deepEqual(await place(fake.premiere, dog), []);
  assert.deepEqual(fake.undo, ["TimeRefine: mark in and out", "TimeRefine: place moment"]);
  assert.deepEqual(await place(fake.premiere, { ...dog, in_frame: 0, out_frame: 1 }), []);
  assert.deepEqual(await place(fake.premiere, { ...dog, in_frame: 5390, out_frame: 5400 }), []);
  assert.deepEqual(placed(fake), [[10n, 869n, 210n], [220n, 0n, 1n], [221n, 5390n, 10n]]);
  assert.equal(fake.clips().length, 1);
});

everywhere("a marker lies over the moment, once", async (setting) => {
  const fake = makePremiere(setting, media);
  assert.deepEqual(await markClip(fake.premiere, dog), []);
  assert.deepEqual(await markClip(fake.premiere, dog), ["The clip has this marker already"]);
  const [marker, ...others] = fake.clips()[0].markers;
  assert.deepEqual([marker.name, marker.type, marker.frame, marker.length], ["a dog", "Comment", FRAME * 899n, FRAME * 150n]);
  assert.equal(marker.comment, "score 0.82\ntimerefine:8f3c000000000000:899-1049");
  assert.equal(others.length, 0);
  assert.deepEqual(await markClip(fake.premiere, { ...dog, start_frame: 900 }), []);
  assert.equal(fake.clips()[0].markers.length, 2);
  assert.deepEqual(fake.undo, ["add marker", "remove marker", "add marker", "add marker"].map((each) => `TimeRefine: ${each}`));
});

everywhere("a marker far into a clip counts from where markers do, though both counts lie inside it", async (setting) => {
  const long = { [PARK]: { ...media[PARK], duration: FRAME * 1800000n } };
  const fake = makePremiere(setting, long);
  assert.deepEqual(await markClip(fake.premiere, { ...dog, start_frame: 1500000, end_frame: 1500001 }), []);
  assert.deepEqual(fake.clips()[0].markers.map((each) => each.frame), [FRAME * 1500000n]);
});

everywhere("a marker that Premiere puts elsewhere or makes longer is told", async (setting) => {
  const fake = makePremiere(setting, media, { marker_off: FRAME, marker_longer: FRAME });
  fake.add(PARK).media = { ...media[PARK], start: 0n };
  assert.deepEqual(await markClip(fake.premiere, dog), [
    "The marker is 1 frame beside the moment", "The marker has 151 frames, not 150",
  ]);
});

everywhere("the Source Monitor is at the first frame of the cut, or it is said how to get there", async (setting) => {
  const fake = makePremiere(setting, media);
  const said = await openInSource(fake.premiere, dog);
  if (setting.monitor === "fixed") assert.match(said.join(), /press Shift\+I/);
  else assert.deepEqual([said, fake.monitorAt()], [[], FRAME * 869n]);
  const [clip] = fake.clips();
  const zero = setting.axis === "timecode" ? SECOND * 3603n : 0n;
  assert.deepEqual([clip.in - zero, clip.out - zero], [FRAME * 869n, FRAME * 1079n]);
});

everywhere("the Source Monitor is told right far into a clip, though both counts lie inside it", async (setting) => {
  const fake = makePremiere(setting, { [PARK]: { ...media[PARK], duration: FRAME * 1800000n } });
  const moment = { ...dog, frames: 1800000, in_frame: 500000, out_frame: 500009 };
  const said = await openInSource(fake.premiere, moment);
  if (setting.monitor !== "fixed") assert.deepEqual([said, fake.monitorAt()], [[], FRAME * 500000n]);
  const stuck = makePremiere(setting, media);
  stuck.premiere.SourceMonitor.setPosition = async () => false;
  assert.match((await openInSource(stuck.premiere, dog)).join(), /isn't at the in point: press Shift\+I/);
});

everywhere("a clip that the user marked is cleared first", async (setting) => {
  const fake = makePremiere(setting, media);
  const clip = fake.add(PARK);
  const zero = setting.axis === "timecode" ? SECOND * 3603n : 0n;
  [clip.in, clip.out] = [zero + FRAME * 50n, zero + FRAME * 60n];
  assert.deepEqual(await place(fake.premiere, dog), []);
  assert.deepEqual(placed(fake), [[0n, 869n, 210n]]);
  assert.equal(fake.undo[0], "TimeRefine: clear in and out");
});

everywhere("a clip of the project is found, however its path is spelled", async (setting) => {
  for (const [path, shown] of [
    ["/footage/caf\u00e9.mov", "/footage/cafe\u0301.mov"],
    ["/footage/cafe\u0301.mov", "/footage/caf\u00e9.mov"],
    ["C:\\Footage\\Caf\u00e9.mov", "c:/footage/CAFE\u0301.MOV"],
    ["\\\\nas\\Footage\\a.mov", "//NAS/footage/a.mov"],
    ["C:\\Footage\\a.mov", "\\\\?\\C:\\Footage\\A.mov"],
  ]) {
    const fake = makePremiere(setting, { [path]: media[PARK] });
    fake.add(path, shown);
    await place(fake.premiere, { ...dog, media: path });
    assert.deepEqual([fake.clips().length, placed(fake)], [1, [[0n, 869n, 210n]]]);
  }
});

everywhere("a file that differs only in case is another one where systems tell them apart", async (setting) => {
  const fake = makePremiere(setting, { ...media, "/footage/PARK.mov": media[PARK] });
  fake.add("/footage/PARK.mov");
  await place(fake.premiere, dog);
  assert.equal(fake.sequence.placed[0].clip.path, PARK);
});

everywhere("what Premiere did otherwise is said", async (setting) => {
  // A sequence of 25 frames a second rounds lengths to its own frames.
  const slow = makePremiere(setting, media, { snaps: 10160640000 });
  assert.deepEqual(await place(slow.premiere, dog), ["The cut has 209.79 frames, not 210"]);
  const slipped = makePremiere(setting, media, { cut_off: -FRAME });
  assert.deepEqual(await place(slipped.premiere, dog), ["The cut starts -1 frames beside its first frame"]);
  const at30 = makePremiere(setting, { [PARK]: { ...media[PARK], fps: 30, offline: true } });
  assert.deepEqual(await place(at30.premiere, dog), [
    "/footage/park.mov is offline",
    "Premiere runs /footage/park.mov at 30 frames a second, not 29.97: frames differ",
  ]);
  const part = makePremiere(setting, { [PARK]: { ...media[PARK], duration: FRAME * 2000n } });
  for (const act of [place, openInSource]) {
    assert.match((await act(part.premiere, dog)).join(), /has 2000 frames in Premiere, not 5400: if it's a subclip/);
    assert.doesNotMatch((await act(part.premiere, { ...dog, vfr: true })).join(), /subclip/);
    assert.doesNotMatch((await act(part.premiere, { ...dog, frames: 2001 })).join(), /subclip/);
  }
  const off = makePremiere(setting, media, { marks_off: FRAME });
  await assert.rejects(place(off.premiere, dog), /Premiere marked 870 frames to 1080 frames, not 869 to 1079/);
  assert.deepEqual(placed(off), []);
});

everywhere("what can't be done is a sentence", async (setting) => {
  const rejects = (faults, act, expected) => assert.rejects(act(makePremiere(setting, media, faults).premiere, dog), expected);
  for (const act of [place, markClip, openInSource]) {
    await rejects({ no_project: true }, act, /Open a project first/);
    await rejects({ refuses: "transaction" }, act, /Premiere refused to (mark|add)/);
    await rejects({ refuses: "action" }, act, /Premiere refused to (mark|add)/);
    await assert.rejects(act(makePremiere(setting, {}).premiere, dog), /Premiere can't import \/footage\/park.mov/);
  }
  await rejects({ no_sequence: true }, place, /Open a sequence first/);
  await rejects({ no_marker: true }, markClip, /Premiere added no marker/);
  await rejects({ track_locked: true }, place, /placed nothing/);
});

test("a sequence is imported from the file that the app wrote, or it is said that none was", async () => {
  const fake = makePremiere(EASY, media);
  assert.deepEqual(await importSequence(fake.premiere, "/out/latest.xml"), ["from /out/latest.xml"]);
  assert.deepEqual(await importSequence(fake.premiere, "/out/latest.xml"), ["from /out/latest.xml"]);
  const none = makePremiere(EASY, media, { no_import: true });
  await assert.rejects(importSequence(none.premiere, "/out/latest.xml"), /made no sequence of \/out\/latest.xml/);
});

test("the fake refuses what Premiere 26.3 refuses", async () => {
  const { premiere, project } = makePremiere(EASY, media);
  const { clip, item } = await clipOf(premiere, project, dog);
  assert.throws(() => clip.createClearInOutPointsAction(), /inside lockedAccess/);
  assert.throws(() => project.lockedAccess(async () => {}), /must not be async/);
  assert.throws(() => change(project, "x", async () => [clip.createClearInOutPointsAction()]));
  let kept;
  change(project, "x", () => [(kept = clip.createClearInOutPointsAction())]);
  assert.throws(() => change(project, "x", () => [kept]), /used once/);
  project.lockedAccess(() => (kept = clip.createClearInOutPointsAction()) && undefined);
  assert.throws(() => change(project, "x", () => [kept]), /of another lock/);
  assert.throws(() => premiere.TickTime.createWithTicks(5), /as text/);
  assert.throws(() => premiere.SequenceEditor.getEditor().createOverwriteItemAction(clip, premiere.TickTime.createWithTicks("0"), 0, 0));
  assert.ok(item);
});
