// A moment into the open project. Each change is an undo step and is read back; what differs is told, a sentence each.

const { change, clipOf, doubts, ifAny, openProject } = require("./project.js");
const { framesIn, ticksOf } = require("./time.js");

/** @typedef {import("./project.js").Premiere} Premiere */
/** @typedef {import("./project.js").Project} Project */
/** @typedef {import("./project.js").Clip} Clip */
/** @typedef {import("./job.js").Moment} Moment */
/** @typedef {import("@adobe/premierepro").TickTime} TickTime */
/** @typedef {import("@adobe/premierepro").Markers} Markers */

/** @type {WeakMap<Premiere, boolean>} found out once: it's the same for all clips */
const countsFromTimecode = new WeakMap();

/**
 * @param {Premiere} premiere
 * @param {bigint} ticks
 */
const tickTime = (premiere, ticks) => premiere.TickTime.createWithTicks(String(ticks));

/** @param {TickTime} time */
const ticksIn = (time) => BigInt(time.ticks);

/** @param {bigint} ticks */
const size = (ticks) => (ticks < 0n ? -ticks : ticks);

/**
 * Where the times of a clip start (0, or the timecode of its media) and how long it is. The former isn't documented, so
 * it's asked: a clip without in and out has them at its ends. Clears them if they are set.
 * @param {Premiere} premiere
 * @param {Project} project
 * @param {Clip} clip
 */
async function whole(premiere, project, { clip }) {
  const video = premiere.Constants.MediaType.VIDEO;
  const ask = async () => {
    const zero = ticksIn(await clip.getInPoint(video));
    return { zero, length: ticksIn(await clip.getOutPoint(video)) - zero };
  };
  const media = await ifAny(() => clip.getMedia());
  const found = await ask();
  if (media && found.length === ticksIn(media.duration)) return found;
  change(project, "clear in and out", () => [clip.createClearInOutPointsAction()]);
  return ask();
}

/**
 * Set in and out of the clip to the moment's cut; throws if they aren't there afterwards.
 * @param {Premiere} premiere
 * @param {Project} project
 * @param {Clip} clip
 * @param {Moment} moment
 * @returns {Promise<{zero: bigint, start: bigint, end: bigint, differs: string[]}>} in ticks of the clip's own times
 */
async function mark(premiere, project, clip, moment) {
  const video = premiere.Constants.MediaType.VIDEO;
  const { zero, length } = await whole(premiere, project, clip);
  const off = length - ticksOf(moment.frames, moment.rate);
  const start = zero + ticksOf(moment.in_frame, moment.rate);
  const end = zero + ticksOf(moment.out_frame, moment.rate);
  change(project, "mark in and out", () => [
    clip.clip.createSetInOutPointsAction(tickTime(premiere, start), tickTime(premiere, end)),
  ]);
  const from = ticksIn(await clip.clip.getInPoint(video));
  const to = ticksIn(await clip.clip.getOutPoint(video));
  if (from !== start || to !== end) {
    const where = `${framesIn(from - zero, moment.rate)} to ${framesIn(to - zero, moment.rate)}`;
    throw new Error(`Premiere marked ${where}, not ${moment.in_frame} to ${moment.out_frame}`);
  }
  const isOther = !moment.vfr && size(off) >= ticksOf(2, moment.rate); // headers may be a frame off
  const has = `${framesIn(length, moment.rate)} in Premiere, not ${moment.frames}`;
  const differs = isOther ? [`${moment.media} has ${has}: if it's a subclip, import the whole file`] : [];
  return { zero, start, end, differs };
}

/**
 * Put the cut on the active sequence at its playhead, over the clips there, and move the playhead to its end.
 * @param {Premiere} premiere
 * @param {Moment} moment
 * @returns {Promise<string[]>} what differs
 */
async function place(premiere, moment) {
  const project = await openProject(premiere);
  const sequence = await ifAny(() => project.getActiveSequence());
  if (!sequence) throw new Error("Open a sequence first");
  const clip = await clipOf(premiere, project, moment);
  const differs = await doubts(clip, moment);
  const { zero, start, end, differs: marked } = await mark(premiere, project, clip, moment);
  differs.push(...marked);
  const at = await sequence.getPlayerPosition();
  const editor = premiere.SequenceEditor.getEditor(sequence);
  // An undo step of its own: an edit takes in and out of the clip, and whether when made or when done isn't documented.
  change(project, "place moment", () => [editor.createOverwriteItemAction(clip.item, at, 0, 0)]);

  const track = await sequence.getVideoTrack(0);
  const items = track.getTrackItems(premiere.Constants.TrackItemType.CLIP, false);
  for (const item of items) {
    if (ticksIn(await item.getStartTime()) !== ticksIn(at)) continue;
    const from = ticksIn(await item.getInPoint());
    const length = ticksIn(await item.getDuration());
    // The types say that a track item's in point counts from the clip's start; some builds may count as the clip does.
    const [off] = [from - start, from - (start - zero)].sort((a, b) => (size(a) < size(b) ? -1 : 1));
    if (off) differs.push(`The cut starts ${framesIn(off, moment.rate)} beside its first frame`);
    if (length !== end - start) {
      differs.push(`The cut has ${framesIn(length, moment.rate)}, not ${moment.out_frame - moment.in_frame}`);
    }
    await ifAny(() => sequence.setPlayerPosition(tickTime(premiere, ticksIn(at) + length)));
    return differs;
  }
  throw new Error("Premiere placed nothing at the playhead on track V1. Is the track locked?");
}

/**
 * Add a marker to a clip; the marker as Premiere then has it.
 * @param {Premiere} premiere
 * @param {Project} project
 * @param {Markers} markers
 * @param {{name: string, start: bigint, length: bigint, comment: string, id: string}} wanted id: a part of the comment
 */
function added(premiere, project, markers, { name, start, length, comment, id }) {
  const [from, during] = [tickTime(premiere, start), tickTime(premiere, length)];
  change(project, "add marker", () => [
    markers.createAddMarkerAction(name, premiere.Marker.MARKER_TYPE_COMMENT, from, during, comment),
  ]);
  const made = markers.getMarkers().find((each) => each.getComments().includes(id));
  if (!made) throw new Error("Premiere added no marker");
  return made;
}

/**
 * Where the markers of a clip count from, in ticks: 0, or the timecode of its media. It isn't documented, so the first
 * clip with a timecode gets a marker at 0, which isn't kept there if 0 is before the clip. It's removed again.
 * @param {Premiere} premiere
 * @param {Project} project
 * @param {Clip} clip
 * @param {Markers} markers
 */
async function markersFrom(premiere, project, { clip }, markers) {
  const media = await ifAny(() => clip.getMedia());
  const start = media ? ticksIn(media.start) : 0n;
  if (start === 0n) return start;
  if (!countsFromTimecode.has(premiere)) {
    const id = "timerefine:where do markers count from";
    const tried = added(premiere, project, markers, { name: "TimeRefine", start: 0n, length: 0n, comment: id, id });
    countsFromTimecode.set(premiere, ticksIn(tried.getStart()) !== 0n);
    change(project, "remove marker", () => [markers.createRemoveMarkerAction(tried)]);
  }
  return countsFromTimecode.get(premiere) ? start : 0n;
}

/**
 * A marker on the clip over the moment, unless there is one already.
 * @param {Premiere} premiere
 * @param {Moment} moment
 * @returns {Promise<string[]>} what differs
 */
async function markClip(premiere, moment) {
  const project = await openProject(premiere);
  const clip = await clipOf(premiere, project, moment);
  const differs = await doubts(clip, moment);
  const markers = await premiere.Markers.getMarkers(clip.clip);
  const id = `timerefine:${moment.id}:${moment.start_frame}-${moment.end_frame}`;
  if (markers.getMarkers().some((each) => each.getComments().includes(id))) {
    return [...differs, "The clip has this marker already"];
  }
  const zero = await markersFrom(premiere, project, clip, markers);
  const start = zero + ticksOf(moment.start_frame, moment.rate);
  const length = zero + ticksOf(moment.end_frame, moment.rate) - start;
  const made = added(premiere, project, markers, {
    name: moment.name, start, length, comment: `${moment.note}\n${id}`, id,
  });
  const off = ticksIn(made.getStart()) - start;
  if (off) differs.push(`The marker is ${framesIn(off, moment.rate)} beside the moment`);
  const has = ticksIn(made.getDuration());
  if (has !== length) {
    differs.push(`The marker has ${framesIn(has, moment.rate)}, not ${moment.end_frame - moment.start_frame}`);
  }
  return differs;
}

/**
 * The clip in the Source Monitor, marked from the first to the last frame of the cut, at the first.
 * @param {Premiere} premiere
 * @param {Moment} moment
 * @returns {Promise<string[]>} what differs
 */
async function openInSource(premiere, moment) {
  const project = await openProject(premiere);
  const clip = await clipOf(premiere, project, moment);
  const differs = await doubts(clip, moment);
  differs.push(...(await mark(premiere, project, clip, moment)).differs);
  const monitor = premiere.SourceMonitor;
  if (!(await monitor.openProjectItem(clip.item))) throw new Error("Premiere doesn't open the clip in the Source Monitor");
  if (typeof monitor.setPosition !== "function") {
    return [...differs, "This version can't move the Source Monitor: press Shift+I there to go to the in point"];
  }
  // Where the monitor counts from isn't documented: it can't go before the clip, so 0 takes it to the clip's first frame.
  await ifAny(() => monitor.setPosition(tickTime(premiere, 0n)));
  const at = ticksIn(await monitor.getPosition()) + ticksOf(moment.in_frame, moment.rate);
  await ifAny(() => monitor.setPosition(tickTime(premiere, at)));
  if (ticksIn(await monitor.getPosition()) === at) return differs;
  return [...differs, "The Source Monitor isn't at the in point: press Shift+I there to go to it"];
}

/**
 * All moments as a sequence: the Final Cut Pro 7 XML that TimeRefine wrote.
 * @param {Premiere} premiere
 * @param {string} path
 * @returns {Promise<string[]>} the names of the new sequences
 */
async function importSequence(premiere, path) {
  const project = await openProject(premiere);
  const before = new Set((await project.getSequences()).map((each) => String(each.guid)));
  await ifAny(() => project.importFiles([path], true));
  const made = (await project.getSequences()).filter((each) => !before.has(String(each.guid)));
  if (!made.length) throw new Error(`Premiere made no sequence of ${path}`);
  return made.map((each) => each.name);
}

module.exports = { place, markClip, openInSource, importSequence };
