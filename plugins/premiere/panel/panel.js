// What the panel shows of the hand-over, and what its buttons do. The search has a part of its own.

const { importSequence, markClip, openInSource, place } = require("./moments.js");
const { load, pickFolder, pickedFolder, sequencePath } = require("./outbox.js");
const { makeTools } = require("./page.js");
const { makeSearching } = require("./searching.js");

/** @typedef {import("./job.js").Moment} Moment */

/**
 * objectUrl: for a JPEG; throws if the program has no such addresses.
 * @param {{premiere: import("./project.js").Premiere, files: UxpFileSystem, kept: UxpLocalStorage,
 *   secure: UxpSecureStorage, page: UxpDocument, net: import("./server.js").Net,
 *   objectUrl: (bytes: Uint8Array) => string}} host
 * @returns {{start: () => Promise<void>, close: () => void}} start: loads the hand-over if its folder was picked before.
 *   close: ends a search under way
 */
function makePanel(host) {
  const { premiere, files, kept, page } = host;
  const tools = makeTools(page);
  const { part, made, run, wire } = tools;
  const [list, name] = ["moments", "name"].map(part);
  const searching = makeSearching(tools, host);

  async function folder() {
    const found = (await pickedFolder(files, kept)) ?? (await pickFolder(files, kept));
    if (!found) throw new Error("Choose the outbox folder of TimeRefine. The app shows it after File > Send to Premiere.");
    return found;
  }

  /** @param {UxpFolder} from */
  async function show(from) {
    const job = await load(from);
    name.textContent = job.name;
    list.replaceChildren(...job.moments.map(row));
    return [`${job.moments.length} moments`];
  }

  /** @param {Moment} moment */
  function row(moment) {
    const shown = made("div", "", "moment");
    const title = made("p", `${moment.name} (${moment.score} %)`);
    title.title = moment.note;
    shown.append(title, made("p", `${moment.start_tc}, ${moment.end_frame - moment.start_frame} frames`));
    for (const [label, done, act] of /** @type {const} */ ([
      ["Place", "Placed", place],
      ["Marker", "Marked", markClip],
      ["Open", "Opened", openInSource],
    ])) {
      const work = async () => [`${done}: ${moment.name}`, ...(await act(premiere, moment))];
      shown.append(wire(made("button", label), work));
    }
    return shown;
  }

  wire(part("load"), async () => show(await folder()));
  wire(part("folder"), async () => {
    const picked = await pickFolder(files, kept);
    return picked ? show(picked) : [];
  });
  wire(part("sequence"), async () => {
    const names = await importSequence(premiere, await sequencePath(await folder()));
    return [`Imported: ${names.join(", ")}`];
  });

  return {
    async start() {
      await searching.start();
      const known = await pickedFolder(files, kept);
      if (known) await run(() => show(known));
    },
    close: searching.close,
  };
}

module.exports = { makePanel };
