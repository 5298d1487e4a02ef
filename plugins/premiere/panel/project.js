// The open project: its clips by their files, and the only place that changes it.

/** @typedef {import("@adobe/premierepro").premierepro} Premiere */
/** @typedef {import("@adobe/premierepro").Project} Project */
/** @typedef {import("@adobe/premierepro").ProjectItem} ProjectItem */
/** @typedef {import("@adobe/premierepro").ClipProjectItem} ClipProjectItem */
/** @typedef {import("@adobe/premierepro").FolderItem} FolderItem */
/** @typedef {import("./job.js").Moment} Moment */
/**
 * A clip, as the two kinds of object that Premiere's calls want for it.
 * @typedef {{item: ProjectItem, clip: ClipProjectItem}} Clip
 */

/**
 * One undo step. Actions are made inside the lock by `make`, which must not wait for anything.
 * @param {Project} project
 * @param {string} what the step's name in Edit > Undo
 * @param {() => import("@adobe/premierepro").Action[]} make
 */
function change(project, what, make) {
  let done = false;
  let taken = true;
  project.lockedAccess(() => {
    done = project.executeTransaction((compound) => {
      for (const action of make()) taken = compound.addAction(action) && taken;
    }, `TimeRefine: ${what}`);
  });
  if (!done || !taken) throw new Error(`Premiere refused to ${what}`);
}

/**
 * What `ask` gives, or null if it throws. Casts and getters do either for an item of another kind.
 * @template T
 * @param {() => T | Promise<T>} ask
 * @returns {Promise<T | null>}
 */
async function ifAny(ask) {
  try {
    return (await ask()) ?? null;
  } catch {
    return null;
  }
}

/** @param {Premiere} premiere */
async function openProject(premiere) {
  const project = await ifAny(() => premiere.Project.getActiveProject());
  if (!project) throw new Error("Open a project first");
  return project;
}

/**
 * A path in one spelling: composed, and on Windows without case and with one kind of slash.
 * @param {string} path
 */
function spelled(path) {
  const composed = path.normalize("NFC");
  const isWindows = /^([a-z]:[\\/]|\\\\|\/\/)/i.test(composed);
  return isWindows ? composed.replace(/\//g, "\\").replace(/^\\\\\?\\/, "").toLowerCase() : composed;
}

/**
 * @param {Premiere} premiere
 * @param {FolderItem} folder
 * @param {Set<string>} paths as `spelled` gives them
 * @returns {Promise<Clip | null>}
 */
async function clipIn(premiere, folder, paths) {
  for (const item of (await ifAny(() => folder.getItems())) ?? []) {
    const clip = await ifAny(() => premiere.ClipProjectItem.cast(item));
    const path = clip && (await ifAny(() => clip.getMediaFilePath()));
    if (clip && path && paths.has(spelled(path))) return { item, clip };
    const inner = path ? null : await ifAny(() => premiere.FolderItem.cast(item));
    const found = inner && (await clipIn(premiere, inner, paths));
    if (found) return found;
  }
  return null;
}

/**
 * The moment's clip, imported if it isn't in the project. Throws an Error with a sentence.
 * @param {Premiere} premiere
 * @param {Project} project
 * @param {Moment} moment
 * @returns {Promise<Clip>}
 */
async function clipOf(premiere, project, moment) {
  const paths = new Set([moment.media, ...moment.other_spellings].map(spelled));
  const there = await clipIn(premiere, await project.getRootItem(), paths);
  if (there) return there;
  await ifAny(() => project.importFiles([moment.media], true));
  const found = await clipIn(premiere, await project.getRootItem(), paths);
  if (!found) throw new Error(`Premiere can't import ${moment.media}`);
  return found;
}

/**
 * What Premiere thinks of the clip that an editor should know, a sentence each.
 * @param {Clip} clip
 * @param {Moment} moment
 */
async function doubts({ clip }, moment) {
  const said = [];
  if (await ifAny(() => clip.isOffline())) said.push(`${moment.media} is offline`);
  const fps = await ifAny(async () => (await clip.getFootageInterpretation()).getFrameRate());
  const [over, under] = moment.rate.split("/").map(Number);
  if (fps && Math.abs(fps - over / under) > 0.005) {
    said.push(`Premiere runs ${moment.media} at ${fps} frames a second, not ${moment.rate_name}: frames differ`);
  }
  return said;
}

module.exports = { change, clipOf, doubts, ifAny, openProject, spelled };
