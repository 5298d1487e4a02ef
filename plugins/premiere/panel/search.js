// One search: started, followed by asking again and again for what is new, and ended.

const { readFound } = require("./found.js");
const { Stopped, understood } = require("./server.js");

const WAIT_S = 20; // how long the server may wait for something new
const POLL_MS = (WAIT_S + 10) * 1000;
const END_MS = 3000;
const SILENT_POLLS = 15; // 5 minutes

/** @typedef {import("./server.js").Server} Server */
/** @typedef {import("./found.js").Found} Found */
/** @typedef {{done: Promise<void>, stop: () => void}} Search */

/**
 * @param {Server} server
 * @param {string} token
 * @param {string} query
 * @param {(moments: Found[]) => void} show gets all moments, best first, each time that they change
 * @returns {Search} done: once it has ended, also by `stop`; rejected with a sentence if it failed. stop: here and there
 */
function startSearch(server, token, query, show) {
  /** @type {string | null} */
  let id = null;
  let stop = () => {};
  /** @type {Promise<void>} */
  const stopped = new Promise((resolve) => (stop = resolve));

  /** End it there: what it would find isn't wanted. A server that doesn't answer has nothing to end. */
  async function end() {
    if (id) await server.done(`/v1/searches/${id}`, { method: "DELETE", token, limit_ms: END_MS }).catch(() => {});
  }

  async function follow() {
    await server.find();
    const begun = await server.json("/v1/searches", { method: "POST", token, body: { query } });
    understood(typeof begun?.id === "string" && /^[\w-]+$/.test(begun.id));
    id = begun.id;
    let last = 0;
    for (let silent = 0; silent < SILENT_POLLS; silent++) {
      const path = `/v1/searches/${id}/events?after=${last}&wait=${WAIT_S}`;
      const told = await server.json(path, { token, limit_ms: POLL_MS, unless: stopped });
      understood(Array.isArray(told?.events) && told.events.every((/** @type {any} */ each) => Number.isSafeInteger(each?.n)));
      for (const event of told.events) {
        if (event.n <= last) continue;
        [last, silent] = [event.n, 0];
        if (event.kind === "moments") show(readFound(event.moments));
        else if (event.kind === "answer") show(readFound(event.answer?.moments));
        else if (event.kind === "error") throw new Error(`The search failed: ${event.error}`);
        else if (event.kind === "cancelled") throw new Error("The search was ended in TimeRefine. Search again.");
      }
      if (told.done) {
        id = null;
        return;
      }
    }
    throw new Error("TimeRefine found nothing new for five minutes, and the search was ended. See what it is busy with.");
  }

  async function run() {
    try {
      await follow();
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    } finally {
      void end();
    }
  }

  return { done: run(), stop };
}

module.exports = { startSearch };
