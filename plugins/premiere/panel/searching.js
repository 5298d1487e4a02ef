// The search part of the panel: pairs it with TimeRefine, searches, and does with a result what is done with a moment of
// the hand-over.

const { handedOver } = require("./found.js");
const { importSequence, markClip, openInSource, place } = require("./moments.js");
const { sentence } = require("./page.js");
const { makePairing } = require("./pairing.js");
const { makePictures } = require("./pictures.js");
const { makeResults } = require("./results.js");
const { startSearch } = require("./search.js");
const { makeServer, Refused, understood } = require("./server.js");

const XML_NAME = "latest.xml";
const EXPORT_MS = 60000;
const UNKNOWN = "TimeRefine doesn't know this any more: it was started again since. Search again.";

/** @typedef {import("./found.js").Found} Found */
/** @typedef {import("./moments.js").Premiere} Premiere */
/** @typedef {import("./results.js").Chosen} Chosen */

/** @param {number} count */
const counted = (count) => (count === 1 ? "1 moment" : `${count} moments`);

/**
 * @param {import("./page.js").Tools} tools
 * @param {{premiere: Premiere, net: import("./server.js").Net, secure: UxpSecureStorage,
 *   objectUrl: (bytes: Uint8Array) => string}} host
 */
function makeSearching(tools, { premiere, net, secure, objectUrl }) {
  const { part, run, wire, entered } = tools;
  const [state, query, code, pairing] = ["state", "query", "code", "pairing"].map(part);
  const server = makeServer(net);
  const pair = makePairing(server, secure);
  const pictures = makePictures(server, objectUrl);
  /** @type {import("./search.js").Search | null} */
  let current = null;
  let [turn, running] = [0, 0]; // of the last search that was started or ended, and of the one under way
  let token = "";

  const results = makeResults(
    tools,
    part("found"),
    (image, { found, step }) => pictures.show(image, found.id, step.start_frame, token),
    [
      ["Place", (chosen) => withMoment("Placed", place, chosen)],
      ["Marker", (chosen) => withMoment("Marked", markClip, chosen)],
      ["Open", (chosen) => withMoment("Opened", openInSource, chosen)],
    ],
  );

  /** @param {boolean} isPaired */
  function showPairing(isPaired) {
    pairing.className = isPaired ? "away" : "";
    part("forget").className = isPaired ? "" : "away";
  }

  /**
   * What `work` gives; shows the field for the code if TimeRefine wants the panel to pair.
   * @template T
   * @param {Promise<T>} work
   */
  async function paired(work) {
    try {
      return await work;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) showPairing(false);
      if (error instanceof Refused && error.status === 404) throw new Error(UNKNOWN);
      throw error;
    }
  }

  /**
   * @param {string} done
   * @param {(premiere: Premiere, moment: import("./job.js").Moment) => Promise<string[]>} act
   * @param {Chosen} chosen
   */
  async function withMoment(done, act, { found, step }) {
    const moment = await paired(handedOver(server, token, found, step));
    return [`${done}: ${moment.name}`, ...(await act(premiere, moment))];
  }

  async function importFound() {
    const chosen = results.forSequence();
    if (!chosen.length) throw new Error("Search first: there are no moments to import.");
    // Always with its step: TimeRefine may have refined the moment further than the panel shows.
    const moments = chosen.map(({ found, step }) => ({ id: found.id, step: step.step }));
    const body = { moments, format: "handover" };
    const made = await paired(server.json("/v1/exports", { method: "POST", token, body, limit_ms: EXPORT_MS }));
    const path = made?.files?.find((/** @type {unknown} */ each) => String(each).split(/[\\/]/).pop() === XML_NAME);
    understood(typeof path === "string" && Array.isArray(made.notes));
    const names = await importSequence(premiere, path);
    return [`Imported: ${names.join(", ")}`, ...made.notes.map(String)];
  }

  /** End the search under way, if any. What it still finds isn't shown. */
  function stop() {
    turn += 1;
    current?.stop();
    current = null;
  }

  async function search() {
    const wanted = query.value.trim();
    if (!wanted) {
      state.textContent = "Write what to look for.";
      return;
    }
    stop();
    const mine = (running = turn);
    const isMine = () => mine === turn;
    pictures.clear();
    results.show([]);
    state.textContent = "Searching…";
    /** @type {Found[]} */
    let found = [];
    try {
      const known = await pair.token();
      if (!known) {
        showPairing(false);
        throw new Error("Pair this panel with TimeRefine first: enter the code that TimeRefine shows.");
      }
      if (!isMine()) return;
      token = known;
      current = startSearch(server, token, wanted, (moments) => {
        found = moments;
        results.show(moments);
        state.textContent = `${counted(moments.length)} so far. Searching…`;
      });
      await paired(current.done);
      if (!isMine()) return;
      state.textContent = found.length ? counted(found.length) : "Nothing was found. Is the footage indexed in TimeRefine?";
    } catch (error) {
      if (!isMine()) return;
      const kept = found.length ? ` ${counted(found.length)} had been found.` : "";
      state.textContent = sentence(error) + kept;
    }
    running = 0;
  }

  /** @param {string} why */
  function stopAndSay(why) {
    if (running !== turn) return;
    stop();
    state.textContent = why;
  }

  entered(query, part("search"), () => void search());
  part("stop").addEventListener("click", () => stopAndSay("Stopped."));
  entered(code, part("pair"), () =>
    void run(async () => {
      const said = await pair.pair(code.value.trim());
      code.value = "";
      token = (await pair.token()) ?? "";
      showPairing(true);
      return [said];
    }),
  );
  wire(part("forget"), async () => {
    stopAndSay("Stopped.");
    await pair.forget();
    token = "";
    showPairing(false);
    return ["Forgotten. Remove the panel from the list in TimeRefine as well."];
  });
  wire(part("together"), importFound);

  return {
    /** Show whether the panel is paired. */
    async start() {
      showPairing((await pair.token()) !== null);
    },
    /** The panel is closed: nothing goes on behind it. */
    close: () => stopAndSay("The search was ended when the panel was closed. Search again."),
  };
}

module.exports = { makeSearching };
