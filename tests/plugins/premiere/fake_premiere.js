// A Premiere to test against: what @adobe/premierepro 26.3 documents and, where it says nothing, every way it might be.
//
// axis: where in and out of a clip count from, "zero" or the "timecode" of the media.
// edit: when an edit takes in and out of the clip, when it's "made" or "done".
// cast: what casting an item of another kind gives: "null", it "throws", or an object that "lies": its calls throw.
// markers: where markers of a clip count from, "zero" or "timecode". One outside the clip is moved into it.
// monitor: where the Source Monitor counts from, as the "clip" or from "zero"; "fixed": it can't be moved (before 26.3).
// track: where a track item's in point counts from, "zero" (documented) or as the "clip".
// shown: how paths of clips are spelled, "NFC" or "NFD".

class Tick {
  constructor(ticks) { this.whole = BigInt(ticks); }
  get ticks() { return String(this.whole); }
  get ticksNumber() { return Number(this.whole); }
  get seconds() { return Number(this.whole) / 254016000000; }
}

const CHOICES = {
  axis: ["zero", "timecode"],
  edit: ["made", "done"],
  cast: ["null", "throws", "lies"],
  markers: ["zero", "timecode"],
  monitor: ["clip", "zero", "fixed"],
  track: ["zero", "clip"],
  shown: ["NFC", "NFD"],
};

/** All combinations of what isn't known. */
function everySetting() {
  return Object.entries(CHOICES).reduce(
    (found, [key, values]) => found.flatMap((each) => values.map((value) => ({ ...each, [key]: value }))),
    [{}],
  );
}

/**
 * media: by path, start and duration in ticks, and optionally fps and offline. Faults: refuses ("transaction" or
 * "action"), track_locked, no_project, no_sequence, no_import, no_marker; in ticks: marks_off (what in and out are off
 * by), cut_off, marker_off, marker_longer, snaps (what lengths are rounded to).
 */
function makePremiere(settings, media, faults = {}) {
  const undo = [];
  let lock = 0;
  let locks = 0;

  function action(run) {
    if (!lock) throw new Error("an action is made inside lockedAccess");
    return { run, lock, isUsed: false };
  }
  function calledBack(callback, argument) {
    const result = callback(argument);
    if (result && typeof result.then === "function") throw new Error("the callback must not be async");
  }
  function tick(time) {
    if (!(time instanceof Tick)) throw new TypeError("a TickTime is wanted");
    return time.whole;
  }

  class Item { constructor(data) { this.data = data; this.name = data.name; } getId() { return this.data.id; } }
  const base = (data, counts) => (counts === "timecode" ? BigInt(data.media.start) : 0n);
  const length = (data) => BigInt(data.media.duration);
  const inOf = (data) => data.in ?? base(data, settings.axis);
  const outOf = (data) => data.out ?? base(data, settings.axis) + length(data);

  class Clip {
    constructor(data) { this.data = data; }
    async isOffline() { return Boolean(this.data.media.offline); }
    async getMediaFilePath() {
      if (this.data.kind === "sequence") throw new Error("a sequence has no file");
      return (this.data.shown ?? this.data.path).normalize(settings.shown);
    }
    async getMedia() { return { start: new Tick(this.data.media.start), duration: new Tick(length(this.data)) }; }
    async getFootageInterpretation() {
      if (!this.data.media.fps) throw new Error("no interpretation");
      return { getFrameRate: () => this.data.media.fps };
    }
    async getInPoint(kind) { if (kind !== 2) throw new TypeError("MediaType"); return new Tick(inOf(this.data)); }
    async getOutPoint(kind) { if (kind !== 2) throw new TypeError("MediaType"); return new Tick(outOf(this.data)); }
    createClearInOutPointsAction() { return action(() => { this.data.in = this.data.out = null; }); }
    createSetInOutPointsAction(from, to) {
      const off = BigInt(faults.marks_off ?? 0);
      const [start, end] = [tick(from), tick(to)];
      return action(() => { this.data.in = start + off; this.data.out = end + off; });
    }
  }
  class Folder {
    constructor(data) { this.data = data; }
    async getItems() { return this.data.items.map((each) => new Item(each)); }
  }
  function lying() {
    return new Proxy({}, { get: (_, name) => (name === "then" ? undefined : () => { throw new Error("wrong kind"); }) });
  }
  const cast = (Kind, kinds) => (item) => {
    if (!(item instanceof Item)) throw new TypeError("a ProjectItem is wanted");
    if (kinds.includes(item.data.kind)) return new Kind(item.data);
    if (settings.cast === "throws") throw new Error("can't be cast");
    return settings.cast === "lies" ? lying() : null;
  };

  const clip = (path, shown) => ({ kind: "clip", id: `id ${path}`, name: path, path, shown, media: media[path], markers: [] });
  const sequenceData = { kind: "sequence", id: "id sequence", name: "my edit", media: { start: 0, duration: 0 }, markers: [] };
  const root = { kind: "folder", name: "root", items: [sequenceData, { kind: "folder", name: "bin", items: [] }] };

  class TrackItem {
    constructor(data) { this.data = data; }
    async getStartTime() { return new Tick(this.data.at); }
    async getDuration() { return new Tick(this.data.length); }
    async getInPoint() {
      return new Tick(this.data.from + (settings.track === "clip" ? base(this.data.clip, settings.axis) : 0n));
    }
  }
  const sequence = {
    guid: { toString: () => "guid 0" }, name: "my edit", at: 0n, placed: [],
    async getPlayerPosition() { return new Tick(this.at); },
    async setPlayerPosition(time) { this.at = tick(time); return true; },
    async getVideoTrack() {
      const getTrackItems = (kind) => {
        if (kind !== 1) throw new TypeError("TrackItemType");
        return this.placed.map((each) => new TrackItem(each));
      };
      return { getTrackItems };
    },
  };
  const sequences = [sequence];

  const project = {
    async getRootItem() { return new Folder(root); },
    async getActiveSequence() { return faults.no_sequence ? null : sequence; },
    async getSequences() { return [...sequences]; },
    async importFiles(paths) {
      for (const path of paths) {
        if (path.endsWith(".xml") && !faults.no_import) {
          const number = sequences.length;
          sequences.push({ guid: { toString: () => `guid ${number}` }, name: `from ${path}` });
        } else if (media[path]) root.items.push(clip(path));
        else throw new Error("can't import");
      }
      return true;
    },
    lockedAccess(callback) {
      lock = ++locks;
      try { calledBack(callback); } finally { lock = 0; }
    },
    executeTransaction(callback, name) {
      const actions = [];
      calledBack(callback, {
        addAction(each) {
          if (each.isUsed) throw new Error("an action is used once");
          if (each.lock !== lock) throw new Error("the action is of another lock");
          each.isUsed = true;
          if (faults.refuses === "action") return false;
          actions.push(each);
          return true;
        },
      });
      if (faults.refuses === "transaction") return false;
      for (const each of actions) each.run();
      undo.push(name);
      return true;
    },
  };

  function overwrite(item, time, videoTrack, audioTrack) {
    if (!(item instanceof Item) || videoTrack !== 0 || audioTrack !== 0) throw new TypeError("createOverwriteItemAction");
    const [data, at] = [item.data, tick(time)];
    const taken = [inOf(data), outOf(data)];
    return action(() => {
      if (faults.track_locked) return;
      const [from, to] = settings.edit === "made" ? taken : [inOf(data), outOf(data)];
      const snap = BigInt(faults.snaps ?? 1);
      const snapped = ((2n * (to - from) + snap) / (2n * snap)) * snap;
      sequence.placed = sequence.placed.filter((each) => each.at + each.length <= at || each.at >= at + snapped);
      sequence.placed.push({ clip: data, at, from: from - base(data, settings.axis) + BigInt(faults.cut_off ?? 0), length: snapped });
    });
  }

  class Marker {
    constructor(data) { this.data = data; }
    getComments() { return this.data.comment; }
    getStart() { return new Tick(this.data.start); }
    getDuration() { return new Tick(this.data.length); }
  }
  function markersOf(owner) {
    if (!(owner instanceof Clip)) throw new TypeError("getMarkers");
    const data = owner.data;
    const first = base(data, settings.markers);
    return {
      getMarkers: () => data.markers.map((each) => new Marker(each)),
      createAddMarkerAction: (name, type, start, duration, comment) => action(() => {
        if (faults.no_marker) return;
        const last = first + length(data);
        const at = tick(start) < first ? first : tick(start) > last ? last : tick(start);
        const [off, longer] = [BigInt(faults.marker_off ?? 0), BigInt(faults.marker_longer ?? 0)];
        data.markers.push({ name, type, start: at + off, length: tick(duration) + longer, comment, frame: at - first });
      }),
      createRemoveMarkerAction: (marker) => action(() => data.markers.splice(data.markers.indexOf(marker.data), 1)),
    };
  }

  const monitor = { data: null, at: 0n };
  const premiere = {
    Constants: { MediaType: { ANY: 0, DATA: 1, VIDEO: 2, AUDIO: 3 }, TrackItemType: { EMPTY: 0, CLIP: 1 } },
    Marker: { MARKER_TYPE_COMMENT: "Comment" },
    TickTime: {
      createWithTicks(text) {
        if (typeof text !== "string" || !/^-?\d+$/.test(text)) throw new TypeError("ticks are whole, as text");
        return new Tick(text);
      },
    },
    Project: { async getActiveProject() { if (faults.no_project) throw new Error("no project"); return project; } },
    ClipProjectItem: { cast: cast(Clip, ["clip", "sequence"]) },
    FolderItem: { cast: cast(Folder, ["folder"]) },
    Markers: { async getMarkers(owner) { return markersOf(owner); } },
    SequenceEditor: { getEditor: () => ({ createOverwriteItemAction: overwrite }) },
    SourceMonitor: {
      async openProjectItem(item) {
        monitor.data = item.data;
        monitor.at = settings.monitor === "zero" ? 0n : inOf(item.data);
        return true;
      },
      async getPosition() { return new Tick(monitor.at); },
      setPosition: settings.monitor === "fixed" ? undefined : async (time) => {
        const first = settings.monitor === "zero" ? 0n : base(monitor.data, settings.axis);
        const last = first + length(monitor.data);
        monitor.at = tick(time) < first ? first : tick(time) > last ? last : tick(time);
        return true;
      },
    },
  };
  const clips = (folder = root) => folder.items.flatMap((each) => (each.items ? clips(each) : each.kind === "clip" ? [each] : []));
  return {
    premiere, project, sequence, sequences, undo, clips,
    /** Put a clip into the bin beforehand; `shown` is its path as Premiere spells it. */
    add(path, shown) { const made = clip(path, shown); root.items[1].items.push(made); return made; },
    /** The frame of the clip at which the Source Monitor is, in ticks from the file's first. */
    monitorAt: () => monitor.at - (settings.monitor === "zero" ? 0n : base(monitor.data, settings.axis)),
  };
}

module.exports = { everySetting, makePremiere };
