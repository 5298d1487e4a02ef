// TimeRefine's local API: finds it on this computer, asks it, and makes each failure a sentence that says what to do.

const PORTS = [47615, 47616, 47617]; // the manifest names them too: UXP lets a panel ask no other
const NAME = "TimeRefine";
const API = 1;
const HEALTH_MS = 3000;
const ANSWER_MS = 15000;

const NOT_THERE =
  "TimeRefine doesn't answer on this computer. Start it and switch on File > Editors… > Let plugins search, or run “tr-desktop serve”. " +
  "If it is on, Premiere may not reach it here: choose File > Send to Premiere in TimeRefine, and press Load.";
const GONE = "TimeRefine has stopped answering. Start it again, and repeat what you did.";
const LATE = "TimeRefine takes too long to answer. See what it is busy with, and try again.";
const NOT_UNDERSTOOD = "TimeRefine gave an answer that this panel doesn't understand. Install the panel again from TimeRefine.";
const OTHER_VERSION = "This panel and TimeRefine are of different versions. Install the panel again from TimeRefine.";
const NOT_PAIRED = "This panel isn't paired with TimeRefine any more. Let TimeRefine show a code, and enter it here.";

/**
 * What the panel needs to ask over the network. AbortController: absent if the program has none.
 * @typedef {{fetch: UxpFetch, setTimeout: (act: () => void, ms: number) => unknown, clearTimeout: (timer: any) => void,
 *   AbortController?: new () => UxpAbortController}} Net
 */
/**
 * unless: once it is resolved, nothing is waited for any more.
 * @typedef {{method?: string, token?: string, body?: object, limit_ms?: number, unless?: Promise<void>}} How
 */
/** @typedef {{port: number, health?: any, refused?: string}} Health what answers at a port, or why it refuses to */
/** @typedef {ReturnType<typeof makeServer>} Server */

/** The server refused. status: of HTTP. */
class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

class Late extends Error {}

/** The panel itself doesn't want the answer any more. */
class Stopped extends Error {}

/** @param {number} port */
const addressOf = (port) => `http://127.0.0.1:${port}`;

/** @param {Health} found */
const isOurs = ({ health }) => health?.name === NAME && health.api === API;

/** @param {boolean} isRight */
function understood(isRight) {
  if (!isRight) throw new Error(NOT_UNDERSTOOD);
}

/**
 * @param {UxpResponse} response
 * @returns {Promise<any>}
 */
async function json(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {Net} net */
function makeServer(net) {
  /** @type {string | null} where TimeRefine was found */
  let base = null;

  /**
   * What `work` gives; throws Late after the limit and Stopped if `unless` comes before. Whether an abort signal ends a
   * request in UXP isn't sure, so it is only a help: the wait ends without it too.
   * @template T
   * @param {(signal: object | undefined) => Promise<T>} work
   * @param {number} limit_ms
   * @param {Promise<void>} [unless]
   * @returns {Promise<T>}
   */
  async function within(work, limit_ms, unless) {
    const abort = net.AbortController && new net.AbortController();
    /** @type {unknown} */
    let timer;
    /** @type {Promise<never>} */
    const late = new Promise((_, reject) => {
      timer = net.setTimeout(() => reject(new Late()), limit_ms);
    });
    const stopped = unless?.then(() => Promise.reject(new Stopped()));
    try {
      return await Promise.race([work(abort?.signal), late, ...(stopped ? [stopped] : [])]);
    } catch (error) {
      abort?.abort();
      throw error;
    } finally {
      net.clearTimeout(timer);
    }
  }

  /**
   * @template T
   * @param {string} url
   * @param {How} how
   * @param {(response: UxpResponse) => Promise<T>} read
   * @returns {Promise<T>} throws Refused, Late, Stopped, or what `fetch` throws
   */
  function request(url, { method = "GET", token, body, limit_ms = ANSWER_MS, unless }, read) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    return within(
      async (signal) => {
        const response = await net.fetch(url, {
          method,
          headers,
          credentials: "omit",
          ...(body && { body: JSON.stringify(body) }),
          ...(signal && { signal }),
        });
        if (response.status < 400) return read(response);
        const said = await json(response);
        throw new Refused(response.status, typeof said?.error === "string" ? said.error : NOT_UNDERSTOOD);
      },
      limit_ms,
      unless,
    );
  }

  /**
   * @param {number} port
   * @returns {Promise<Health>}
   */
  async function health(port) {
    try {
      return { port, health: await request(`${addressOf(port)}/v1/health`, { limit_ms: HEALTH_MS }, json) };
    } catch (error) {
      const isRefused = error instanceof Refused && error.status === 403 && error.message !== NOT_UNDERSTOOD;
      return isRefused ? { port, refused: error.message } : { port };
    }
  }

  /**
   * Looks for TimeRefine where it was, then at all its ports at once: a closed one may take seconds to say so.
   * @returns {Promise<string>} its address; throws an Error with a sentence if it isn't there
   */
  async function find() {
    const known = PORTS.find((port) => addressOf(port) === base);
    const before = known && (await health(known));
    if (before && isOurs(before)) return addressOf(before.port);
    const asked = PORTS.map(health);
    try {
      const there = asked.map(async (each) => (isOurs(await each) ? each : Promise.reject(new Error("another"))));
      return (base = addressOf((await Promise.any(there)).port));
    } catch {
      base = null;
    }
    const found = await Promise.all(asked);
    if (found.some((each) => each.health?.name === NAME)) throw new Error(OTHER_VERSION);
    const refused = found.map((each) => each.refused).find(Boolean);
    throw new Error(refused ? `TimeRefine refuses this panel: ${refused}` : NOT_THERE);
  }

  /**
   * What the server answers. Throws Refused, Stopped, or an Error; each with a sentence, but Stopped.
   * @template T
   * @param {string} path
   * @param {How} how
   * @param {(response: UxpResponse) => Promise<T>} read
   * @returns {Promise<T>}
   */
  async function ask(path, how, read) {
    const at = base ?? (await find());
    try {
      return await request(at + path, how, read);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) throw new Refused(401, NOT_PAIRED);
      if (error instanceof Refused || error instanceof Stopped) throw error;
      base = null; // it may come back at another port
      throw new Error(error instanceof Late ? LATE : GONE);
    }
  }

  return {
    find,
    /**
     * @param {string} path
     * @param {How} how
     * @returns {Promise<any>} undefined if the answer isn't JSON
     */
    json: (path, how) => ask(path, how, json),
    /**
     * @param {string} path
     * @param {How} how
     */
    bytes: async (path, how) => new Uint8Array(await ask(path, how, (response) => response.arrayBuffer())),
    /**
     * @param {string} path
     * @param {How} how
     */
    done: (path, how) => ask(path, how, async () => {}),
  };
}

module.exports = { makeServer, understood, Refused, Stopped };
