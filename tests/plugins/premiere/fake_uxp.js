// What the panel sees of UXP: files of a real folder, a page, what is kept between sessions, the network and time. Where
// its documentation says nothing, every way it might be:
//
// abort: what an abort signal does: it "works", is "ignored", or is "missing" with its controller.
// secure: what the storage for secrets gives for a key that it doesn't have: "null", or "empty" bytes; or it always "throws".
// images: what an image takes as its source: a "data" URL, the URL of an "object", or "none" of both.
// closed: what comes of asking where nobody answers: it "throws", or "hangs".

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
  constructor(tag, takes) {
    Object.assign(this, { tag, takes, textContent: "", title: "", className: "", value: "", checked: false, children: [] });
    this.listeners = { click: [], keydown: [], error: [] };
    this.source = "";
  }
  get src() { return this.source; }
  set src(address) {
    this.source = address;
    if (!this.takes(address)) queueMicrotask(() => this.tell("error"));
  }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  addEventListener(kind, listener) { this.listeners[kind].push(listener); }
  tell(kind, event) { for (const each of this.listeners[kind]) each(event); }
  click() { this.tell("click"); }
  press(key, isComposing = false) { this.tell("keydown", { key, isComposing }); }
}

/** A page with the elements of index.html that have an id. images: as above. */
function makePage(html, images = "data") {
  const parts = new Map();
  const make = (tag) => new Element(tag, (address) => address.startsWith(`${images}:`));
  for (const [, tag, id] of html.matchAll(/<(\w+) id="(\w+)"/g)) parts.set(id, make(tag));
  return { getElementById: (id) => parts.get(id) ?? null, createElement: make };
}

const CHOICES = {
  abort: ["works", "ignored", "missing"],
  secure: ["null", "empty", "throws"],
  images: ["data", "object", "none"],
  closed: ["throws", "hangs"],
};

/** All combinations of what isn't known. */
function everySetting() {
  return Object.entries(CHOICES).reduce(
    (found, [key, values]) => found.flatMap((each) => values.map((value) => ({ ...each, [key]: value }))),
    [{}],
  );
}

/** Time that passes only when a test says so. */
function makeClock() {
  let now = 0;
  let timers = [];
  /** Until nothing happens any more without time. */
  async function idle() { for (let turn = 0; turn < 12; turn++) await new Promise(setImmediate); }
  return {
    idle,
    setTimeout(act, ms) {
      const timer = { at: now + ms, act };
      timers.push(timer);
      return timer;
    },
    clearTimeout(timer) { timers = timers.filter((each) => each !== timer); },
    waiting: () => timers.length,
    async pass(ms) {
      const end = now + ms;
      for (;;) {
        await idle();
        const [next] = timers.filter((each) => each.at <= end).sort((a, b) => a.at - b.at);
        if (!next) break;
        now = next.at;
        timers = timers.filter((each) => each !== next);
        next.act();
      }
      now = end;
    },
  };
}

/** kept: what there is from earlier sessions. */
function makeSecure(setting, kept = new Map()) {
  const guarded = async (act) => {
    if (setting === "throws") throw new Error("no storage");
    return act();
  };
  return {
    kept,
    getItem: (key) => guarded(() => (kept.has(key) ? Buffer.from(kept.get(key)) : setting === "null" ? null : new Uint8Array())),
    setItem: (key, value) => guarded(() => {
      if (typeof value !== "string" || !value) throw new Error("nothing to store");
      kept.set(key, value);
    }),
    removeItem: (key) => guarded(() => { if (!kept.delete(key)) throw new Error("no such key"); }),
  };
}

/** Signals of a controller that works; those of one that doesn't are never told. */
class Abort {
  constructor() { this.signal = { acts: [] }; }
  abort() { for (const each of this.signal.acts.splice(0)) each(); }
}

/**
 * The network to programs on this computer. servers: by port; each has `answer` and `isStopped`. allowed: the origins in
 * the manifest. sent: headers that UXP adds. aborted: the paths of requests that were given up.
 */
function makeNet({ abort, closed }, clock, servers, allowed, sent = {}) {
  const lost = (reject) => { if (closed === "throws") reject(new TypeError("Network request failed")); };
  const aborted = [];
  const fetch = (url, init) => tried(url, init).catch((error) => {
    if (error.message === "aborted") aborted.push(new URL(url).pathname);
    throw error;
  });
  const tried = (url, init) => new Promise((resolve, reject) => {
    const { origin, host, port, pathname, search } = new URL(url);
    if (!allowed.includes(origin)) throw new TypeError("Permission denied to the url");
    if (init.body !== undefined && init.method === "GET") throw new TypeError("no body with GET");
    if (abort === "missing" && init.signal) throw new TypeError("no signals");
    if (abort === "works") init.signal.acts.push(() => reject(new Error("aborted")));
    const server = servers.get(Number(port));
    if (!server || server.isStopped) return lost(reject);
    const given = { ...sent, ...init.headers, host };
    const headers = Object.fromEntries(Object.entries(given).map(([key, value]) => [key.toLowerCase(), value]));
    server.answer({ method: init.method, path: pathname + search, headers, body: init.body }).then(
      ({ status, body }) => {
        const bytes = Buffer.from(body);
        const arrayBuffer = async () => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
        resolve({ status, text: async () => bytes.toString("utf8"), arrayBuffer });
      },
      () => lost(reject),
    );
  });
  const { setTimeout, clearTimeout } = clock;
  return { fetch, aborted, setTimeout, clearTimeout, ...(abort !== "missing" && { AbortController: Abort }) };
}

/** Addresses of objects, for images. given: the bytes by address. */
function makeObjectUrl(images) {
  const given = new Map();
  const objectUrl = (bytes) => {
    if (images === "data") throw new TypeError("URL.createObjectURL is no function");
    given.set(`object:${given.size}`, bytes);
    return `object:${given.size - 1}`;
  };
  return { given, objectUrl };
}

module.exports = { Abort, everySetting, makeClock, makeFiles, makeKept, makeNet, makeObjectUrl, makePage, makeSecure };
