// The moments that a search finds: checked as far as the panel relies on them, and as the hand-over has them.

const { readMoment } = require("./job.js");
const { understood } = require("./server.js");

/**
 * Frames count from the file's first (0), ends are exclusive. Timecodes of steps and `level`: absent from older versions.
 * @typedef {{step: number, start_frame: number, end_frame: number, start_tc?: string, end_tc?: string}} Step
 */
/**
 * start_tc, end_tc: of the step at `stop`, which TimeRefine kept. score: in [0, 1].
 * @typedef {{id: string, media: string, rate: string, start_tc: string, end_tc: string, score: number,
 *   confident: boolean, level?: string, stop: number, steps: Step[]}} Found
 */

const TEXTS = ["media", "rate", "start_tc", "end_tc"];

/** @param {any} each */
function isStep(each) {
  return (
    ["step", "start_frame", "end_frame"].every((key) => Number.isSafeInteger(each?.[key]) && each[key] >= 0) &&
    each.start_frame < each.end_frame
  );
}

/** @param {any} each */
function isFound(each) {
  return (
    /^[0-9a-f]{16}$/.test(each?.id) &&
    TEXTS.every((key) => typeof each[key] === "string") &&
    typeof each.score === "number" &&
    Array.isArray(each.steps) &&
    each.steps.every(isStep) &&
    Number.isSafeInteger(each.stop) &&
    each.stop in each.steps
  );
}

/**
 * @param {any} moments
 * @returns {Found[]} throws an Error with a sentence for anything else
 */
function readFound(moments) {
  understood(Array.isArray(moments) && moments.every(isFound));
  return moments;
}

/**
 * The moment as the hand-over would have it, with the frames of `step`; those that the panel shows, or an Error.
 * @param {import("./server.js").Server} server
 * @param {string} token
 * @param {Found} found
 * @param {Step} step
 */
async function handedOver(server, token, found, step) {
  const handover = await server.json(`/v1/moments/${found.id}/handover?step=${step.step}`, { token });
  const moment = readMoment(handover?.moments?.[0]);
  const isShown =
    moment.id === found.id &&
    moment.media === found.media &&
    moment.rate === found.rate &&
    // frames of variable rate are counted by time in a hand-over, and in a search as they lie in the file
    (moment.vfr || (moment.start_frame === step.start_frame && moment.end_frame === step.end_frame));
  if (!isShown) throw new Error("TimeRefine has other frames for this moment by now. Search again.");
  return moment;
}

/** @param {Found} found */
const nameOf = ({ media }) => media.split(/[\\/]/).pop() || media;

/**
 * The score for people, and the word for it.
 * @param {Found} found
 */
function scoreOf({ score, confident, level }) {
  const word = level ?? (confident ? "" : "guess");
  return `${Math.round(100 * score)} %${word && `, ${word}`}`;
}

/**
 * Where a step lies in its file, for people.
 * @param {Found} found
 * @param {Step} step
 */
function timesOf(found, step) {
  const { start_tc, end_tc } = step === found.steps[found.stop] ? found : step;
  const frames = step.end_frame - step.start_frame;
  const length = frames === 1 ? "1 frame" : `${frames} frames`;
  if (start_tc && end_tc) return `${start_tc} to ${end_tc}, ${length}`;
  return `frame ${step.start_frame} to ${step.end_frame}, ${length}`;
}

module.exports = { readFound, handedOver, nameOf, scoreOf, timesOf };
