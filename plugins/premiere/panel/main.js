// Where UXP starts: gives the panel its host.

const premiere = require("premierepro");
const { entrypoints, storage } = require("uxp");
const { makePanel } = require("./panel.js");

/** @type {ReturnType<typeof makePanel> | null} */
let panel = null;

function makeHost() {
  const net = {
    fetch: /** @type {UxpFetch} */ ((url, init) => fetch(url, init)),
    setTimeout: (/** @type {() => void} */ act, /** @type {number} */ ms) => setTimeout(act, ms),
    clearTimeout: (/** @type {unknown} */ timer) => clearTimeout(timer),
    ...(typeof AbortController === "function" && { AbortController }),
  };
  const objectUrl = (/** @type {Uint8Array} */ bytes) => URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  const { localFileSystem: files, secureStorage: secure } = storage;
  return { premiere, files, kept: localStorage, secure, page: document, net, objectUrl };
}

entrypoints.setup({
  panels: {
    timerefine: {
      show() {
        if (panel) return;
        panel = makePanel(makeHost());
        void panel.start();
      },
      // Adobe says that these two don't work as expected in Premiere yet: a search also ends without them.
      hide: () => panel?.close(),
      destroy: () => panel?.close(),
    },
  },
});
