// Frames to Premiere's ticks and back, in whole numbers: a double is off by ticks from four and a half hours on.

const TICKS_A_SECOND = 254016000000n; // whole for a frame of every rate that editors have

/**
 * @param {number} frame counted from 0
 * @param {string} rate frames a second as a fraction, such as "30000/1001"
 * @returns {bigint} the ticks from frame 0 to `frame`; the nearest if the rate has no whole ticks
 */
function ticksOf(frame, rate) {
  const [over, under] = rate.split("/").map(BigInt);
  return (2n * BigInt(frame) * TICKS_A_SECOND * under + over) / (2n * over);
}

/**
 * @param {bigint} ticks
 * @param {string} rate
 * @returns {string} such as "150 frames" or "150.5 frames", for people
 */
function framesIn(ticks, rate) {
  const [over, under] = rate.split("/").map(BigInt);
  const hundredths = (ticks * over * 100n) / (TICKS_A_SECOND * under);
  return hundredths === 100n ? "1 frame" : `${Number(hundredths) / 100} frames`;
}

module.exports = { ticksOf, framesIn };
