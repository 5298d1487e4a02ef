// What the panel shows, and what its buttons do. One thing at a time: the buttons rest while Premiere works.

const { importSequence, markClip, openInSource, place } = require("./moments.js");
const { load, pickFolder, pickedFolder, sequencePath } = require("./outbox.js");

/** @typedef {import("./job.js").Moment} Moment */

/**
 * @param {{premiere: import("./project.js").Premiere, files: UxpFileSystem, kept: UxpLocalStorage, page: UxpDocument}} host
 * @returns {{start: () => Promise<void>}} `start` loads the hand-over if its folder was picked before
 */
function makePanel({ premiere, files, kept, page }) {
  /** @type {UxpElement[]} */
  const buttons = [];
  const [list, log, name] = ["moments", "log", "name"].map(part);

  /** @param {string} id */
  function part(id) {
    const found = page.getElementById(id);
    if (!found) throw new Error(`index.html has no ${id}`);
    return found;
  }

  /**
   * @param {string} tag
   * @param {string} text
   */
  function made(tag, text) {
    const element = page.createElement(tag);
    element.textContent = text;
    return element;
  }

  /** @param {string[]} sentences */
  function say(sentences) {
    log.replaceChildren(...sentences.map((each) => made("p", each)));
  }

  /** @param {() => Promise<string[]>} work what it says at its end */
  async function run(work) {
    for (const each of buttons) each.disabled = true;
    try {
      say(await work());
    } catch (error) {
      say([error instanceof Error ? error.message : String(error)]);
    } finally {
      for (const each of buttons) each.disabled = false;
    }
  }

  /**
   * @param {UxpElement} button
   * @param {() => Promise<string[]>} work
   */
  function wire(button, work) {
    buttons.push(button);
    button.addEventListener("click", () => void run(work));
  }

  async function folder() {
    const found = (await pickedFolder(files, kept)) ?? (await pickFolder(files, kept));
    if (!found) throw new Error("Choose the outbox folder of TimeRefine. The app shows it after File > Send to Premiere.");
    return found;
  }

  /** @param {UxpFolder} from */
  async function show(from) {
    const job = await load(from);
    name.textContent = job.name;
    buttons.length = always; // those of the moments before
    list.replaceChildren(...job.moments.map(row));
    return [`${job.moments.length} moments`];
  }

  /** @param {Moment} moment */
  function row(moment) {
    const shown = page.createElement("div");
    const title = made("p", `${moment.name} (${moment.score} %)`);
    title.title = moment.note;
    shown.append(title, made("p", `${moment.start_tc}, ${moment.end_frame - moment.start_frame} frames`));
    for (const [label, done, act] of /** @type {const} */ ([
      ["Place", "Placed", place],
      ["Marker", "Marked", markClip],
      ["Open", "Opened", openInSource],
    ])) {
      const button = made("button", label);
      wire(button, async () => [`${done}: ${moment.name}`, ...(await act(premiere, moment))]);
      shown.append(button);
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
  const always = buttons.length;

  return {
    async start() {
      const known = await pickedFolder(files, kept);
      if (known) await run(() => show(known));
    },
  };
}

module.exports = { makePanel };
