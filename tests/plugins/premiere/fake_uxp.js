// What the panel sees of UXP: files of a real folder, a page, and what is kept between sessions.

const fs = require("node:fs/promises");
const path = require("node:path");

const TOKEN = "token of ";

function entryAt(place, isFile) {
  return {
    isFile,
    nativePath: place,
    read: () => fs.readFile(place, "utf8"),
    async getEntry(name) {
      const inner = path.join(place, name);
      return entryAt(inner, (await fs.stat(inner)).isFile()); // throws for what isn't there
    },
  };
}

/** picks: the folders that the user picks, one after another; null is a cancel. */
function makeFiles(picks) {
  return {
    asked: 0,
    async getFolder() {
      const picked = picks[this.asked++];
      if (picked === undefined) throw new Error("the user was asked too often");
      return picked === null ? null : entryAt(picked, false);
    },
    async createPersistentToken(entry) { return TOKEN + entry.nativePath; },
    async getEntryForPersistentToken(token) {
      const place = token.slice(TOKEN.length);
      return entryAt(place, (await fs.stat(place)).isFile());
    },
  };
}

function makeKept() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
  };
}

class Element {
  constructor(tag) { Object.assign(this, { tag, textContent: "", title: "", disabled: false, children: [], clicks: [] }); }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  addEventListener(kind, listener) { if (kind === "click") this.clicks.push(listener); }
  /** As the user does it: a disabled button does nothing. */
  click() { if (!this.disabled) for (const each of this.clicks) each(); }
}

/** A page with the elements of index.html that have an id. */
function makePage(html) {
  const parts = new Map();
  for (const [, tag, id] of html.matchAll(/<(\w+) id="(\w+)"/g)) parts.set(id, new Element(tag));
  return { getElementById: (id) => parts.get(id) ?? null, createElement: (tag) => new Element(tag) };
}

module.exports = { makeFiles, makeKept, makePage };
