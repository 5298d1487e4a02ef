// The hand-over that TimeRefine wrote: read, and checked as far as the panel relies on it.

/**
 * Frames count from the file's first (0), ends are exclusive. in_frame, out_frame: the cut with its handles.
 * @typedef {{id: string, media: string, other_spellings: string[], rate: string, rate_name: string, frames: number,
 *   in_frame: number, out_frame: number, start_frame: number, end_frame: number, start_tc: string, vfr: boolean,
 *   name: string, note: string, score: number}} Moment
 */
/** @typedef {{name: string, moments: Moment[]}} Job */

const KIND = "timerefine hand-over";
const SCHEMA = 1;
const FRAMES = ["frames", "in_frame", "out_frame", "start_frame", "end_frame"];
const TEXTS = ["id", "media", "name", "note", "rate_name", "start_tc"];

/**
 * @param {string} text
 * @returns {Job} throws an Error with a sentence if `text` is anything else
 */
function readJob(text) {
  /** @type {any} */
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error("latest.json is damaged. Send the moments again.");
  }
  if (found?.kind !== KIND) throw new Error("latest.json is no hand-over of TimeRefine. Choose its outbox folder.");
  if (found.schema !== SCHEMA) {
    throw new Error(`The hand-over has schema ${found.schema}, and this panel knows ${SCHEMA}. Install the panel again.`);
  }
  if (!Array.isArray(found.moments) || !found.moments.every(isMoment)) {
    throw new Error("A moment in latest.json is incomplete. Send the moments again.");
  }
  return found;
}

/**
 * @param {any} found one moment of a hand-over
 * @returns {Moment} throws an Error with a sentence if it is anything else
 */
function readMoment(found) {
  if (!isMoment(found)) throw new Error("TimeRefine's answer is incomplete. Install the panel again from TimeRefine.");
  return found;
}

/** @param {any} each */
function isMoment(each) {
  return (
    TEXTS.every((key) => typeof each?.[key] === "string") &&
    FRAMES.every((key) => Number.isSafeInteger(each[key]) && each[key] >= 0) &&
    each.in_frame < each.out_frame &&
    each.start_frame < each.end_frame &&
    /^[1-9]\d*\/[1-9]\d*$/.test(each.rate) &&
    Array.isArray(each.other_spellings)
  );
}

module.exports = { readJob, readMoment };
