// Pictures of single frames. They need the token, and so can't be the address of an image: their bytes are shown.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const WIDTH = 320;

/**
 * UXP documents no btoa.
 * @param {Uint8Array} bytes
 */
function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const three = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digits = [18, 12, 6, 0].map((shift) => DIGITS[(three >> shift) & 63]);
    text += digits.join("").slice(0, bytes.length - at + 1);
  }
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** @typedef {ReturnType<typeof makePictures>} Pictures */

/**
 * One picture is asked for at a time, so that the search keeps its share of the server.
 * @param {import("./server.js").Server} server
 * @param {(bytes: Uint8Array) => string} objectUrl for an image that takes no data URL; throws if there are none
 */
function makePictures(server, objectUrl) {
  /** @type {Map<string, Uint8Array>} */
  const kept = new Map();
  /** @type {Map<UxpElement, string>} what each image is to show */
  const wanted = new Map();
  let last = Promise.resolve();

  /**
   * @param {UxpElement} image
   * @param {string} path
   * @param {string} token
   */
  async function load(image, path, token) {
    if (wanted.get(image) !== path) return;
    try {
      const bytes = kept.get(path) ?? (await server.bytes(path, { token }));
      kept.set(path, bytes);
      if (wanted.get(image) === path) image.src = `data:image/jpeg;base64,${base64(bytes)}`;
    } catch {
      if (wanted.get(image) === path) image.title = "TimeRefine has no picture of this frame";
    }
  }

  /** @param {UxpElement} image */
  function failed(image) {
    const bytes = kept.get(wanted.get(image) ?? "");
    if (!bytes || !image.src.startsWith("data:")) return;
    try {
      image.src = objectUrl(bytes);
    } catch {
      image.title = "This version of Premiere can't show the picture";
    }
  }

  return {
    /**
     * Show frame `frame` of the moment's file in `image`, a new element or one that showed another.
     * @param {UxpElement} image
     * @param {string} id of the moment
     * @param {number} frame counted from the first of the file (0)
     * @param {string} token
     */
    show(image, id, frame, token) {
      const path = `/v1/moments/${id}/picture?frame=${frame}&width=${WIDTH}`;
      if (wanted.get(image) === path) return;
      if (!wanted.has(image)) image.addEventListener("error", () => failed(image));
      wanted.set(image, path);
      image.title = "";
      last = last.then(() => load(image, path, token));
    },

    /** Forget all pictures: those still to come aren't asked for. */
    clear() {
      kept.clear();
      wanted.clear();
    },
  };
}

module.exports = { base64, makePictures };
