// The folder that TimeRefine writes to. UXP lets a panel read only what the user picked: once, and then a token is kept.

const { readJob } = require("./job.js");

const TOKEN = "timerefine.outbox";
const JSON_NAME = "latest.json";
const XML_NAME = "latest.xml";

/**
 * The folder that was picked before; null if none was, or if it can't be read any more.
 * @param {UxpFileSystem} files
 * @param {UxpLocalStorage} kept
 * @returns {Promise<UxpFolder | null>}
 */
async function pickedFolder(files, kept) {
  const token = kept.getItem(TOKEN);
  if (!token) return null;
  try {
    const folder = await files.getEntryForPersistentToken(token);
    return folder.isFile ? null : folder;
  } catch {
    return null;
  }
}

/**
 * Asks the user for the folder; null if the user cancels.
 * @param {UxpFileSystem} files
 * @param {UxpLocalStorage} kept
 */
async function pickFolder(files, kept) {
  const folder = await files.getFolder();
  if (folder) kept.setItem(TOKEN, await files.createPersistentToken(folder));
  return folder;
}

/**
 * @param {UxpFolder} folder
 * @returns {Promise<import("./job.js").Job>} throws an Error with a sentence
 */
async function load(folder) {
  return readJob(await (await entry(folder, JSON_NAME)).read());
}

/**
 * @param {UxpFolder} folder
 * @returns {Promise<string>} where the system has the sequence of the hand-over; throws an Error with a sentence
 */
async function sequencePath(folder) {
  return (await entry(folder, XML_NAME)).nativePath;
}

/**
 * @param {UxpFolder} folder
 * @param {string} name
 */
async function entry(folder, name) {
  try {
    const found = await folder.getEntry(name);
    if (found.isFile) return found;
  } catch {
    // told below: UXP throws for what isn't there
  }
  throw new Error(`There is no ${name} in ${folder.nativePath}. Send moments from TimeRefine, or choose its outbox folder.`);
}

module.exports = { pickedFolder, pickFolder, load, sequencePath };
