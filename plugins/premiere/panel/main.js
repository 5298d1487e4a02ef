// Where UXP starts: gives the panel its host.

const premiere = require("premierepro");
const { entrypoints, storage } = require("uxp");
const { makePanel } = require("./panel.js");

let isMade = false;

entrypoints.setup({
  panels: {
    timerefine: {
      show() {
        if (isMade) return;
        isMade = true;
        const host = { premiere, files: storage.localFileSystem, kept: localStorage, page: document };
        void makePanel(host).start();
      },
    },
  },
});
