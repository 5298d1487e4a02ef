// What lets the panel ask TimeRefine: a token that it got for the code that TimeRefine showed.

const { understood } = require("./server.js");

const TOKEN = "timerefine.token";
const NAME = "Premiere"; // as TimeRefine lists it

/** @typedef {ReturnType<typeof makePairing>} Pairing */

/**
 * The token as text; null for anything that can't be one. What UXP gives for a key that it doesn't have isn't documented.
 * @param {Uint8Array | null | undefined} kept
 */
function textOf(kept) {
  const text = kept ? String.fromCharCode(...kept) : "";
  return /^[!-~]+$/.test(text) ? text : null;
}

/**
 * @param {import("./server.js").Server} server
 * @param {UxpSecureStorage} secure
 */
function makePairing(server, secure) {
  /** @type {string | null} of this session, for a storage that refuses it */
  let here = null;

  return {
    /** @returns {Promise<string | null>} null if the panel isn't paired */
    async token() {
      if (here) return here;
      try {
        return (here = textOf(await secure.getItem(TOKEN)));
      } catch {
        return null;
      }
    },

    /**
     * @param {string} code
     * @returns {Promise<string>} what came of it; throws an Error with a sentence
     */
    async pair(code) {
      if (!code) throw new Error("Enter the code that TimeRefine shows.");
      await server.find();
      const given = await server.json("/v1/pairings", { method: "POST", body: { code, name: NAME } });
      const token = given?.token;
      understood(typeof token === "string" && /^[!-~]+$/.test(token));
      here = token;
      try {
        await secure.setItem(TOKEN, token);
      } catch {
        return "Paired until Premiere is closed: its storage for secrets refuses the token.";
      }
      return "Paired with TimeRefine.";
    },

    /** Forget the token, here and in the storage. */
    async forget() {
      here = null;
      try {
        await secure.removeItem(TOKEN);
      } catch {
        // UXP refuses if there is none
      }
    },
  };
}

module.exports = { makePairing };
