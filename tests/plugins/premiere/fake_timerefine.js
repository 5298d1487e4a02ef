// A TimeRefine to test against: its local API as it is specified, without footage. Tests say what a search finds, and when.

const MAX_BODY = 64 * 1024;
const MAX_NAME = 200;
const WRONG_CODE = "The code is wrong or too old. Let TimeRefine show a new one, and enter it within ten minutes";

/** A moment as the hand-over has it, with the frames of a step. */
function handedOver({ id, facts, steps }, step) {
  const { start_frame, end_frame, start_tc } = steps[step];
  const frames = { in_frame: start_frame, out_frame: end_frame, start_frame, end_frame };
  return { id, other_spellings: [], has_audio: true, colour: "green", markers: [], ...facts, ...frames, start_tc };
}

/** A moment as `find --json` prints it, with its id. */
function asFound({ id, facts, steps, stop, score }, index) {
  const { start_frame, end_frame, start_tc, end_tc } = steps[stop];
  const shown = { rank: index + 1, media: facts.media, rate: facts.rate, start_frame, end_frame, start_s: 0.1, end_s: 0.2 };
  const level = score >= 0.75 ? "strong" : score >= 0.5 ? "likely" : "guess";
  return {
    id, ...shown, start_tc, end_tc, score, confident: score >= 0.5, level, stop, edges: { start: 0.9, end: 0.8 },
    steps: steps.map((each, step) => ({ step, ...each, start_s: 0.1, end_s: 0.2, score, edges: { start: 0.9, end: 0.8 } })),
  };
}

/** The bytes that stand for the picture of a frame. */
const picture = (id, frame, width) => Buffer.from(`\u00ff\u00d8 ${id} ${frame} ${width}`, "latin1");

/** timers: of the clock that a long poll waits by. */
function makeTimeRefine({ setTimeout, clearTimeout }, port = 47615) {
  const tokens = new Set();
  const searches = new Map();
  const moments = new Map();
  const timerefine = {
    port, code: "ABCD-EFGH", health: { name: "TimeRefine", api: 1 }, requests: [], exported: [], searches,
    /** The answer in place of the right one, by path; a function may give it, or a promise that never ends. */
    instead: new Map(),
    isStopped: false,
    whenStopped: [],
    revoke: () => tokens.clear(),
    /** It ends: what is asked at the moment gets no answer, and what it remembered is gone. */
    stop() {
      timerefine.isStopped = true;
      for (const each of timerefine.whenStopped.splice(0)) each();
    },
    start() {
      timerefine.isStopped = false;
      searches.clear();
      moments.clear();
    },
    /** What the last search finds: tells its moments, or one of the events that end it. */
    tell(kind, found = []) {
      const search = [...searches.values()].at(-1);
      for (const each of found) moments.set(each.id, each);
      const told = found.map(asFound);
      const event = { moments: { moments: told }, answer: { answer: { schema: 1, moments: told } }, error: { error: "The disk is gone." } };
      push(search, kind, event[kind]);
    },
    /** Another client has it look closer at a moment that was told; nobody is told of that. */
    refine: (moment) => moments.set(moment.id, moment),
    answer,
  };

  function push(search, kind, event = {}) {
    if (search.done) return;
    search.events.push({ n: search.events.length + 1, kind, ...event });
    search.done = kind !== "moments";
    for (const each of search.waiting.splice(0)) each();
  }

  const json = (status, body) => ({ status, type: "application/json", body: JSON.stringify(body) });
  const refuse = (status, error) => json(status, { error });

  /** headers: names in lower case. Rejected if TimeRefine stops meanwhile. */
  async function answer({ method, path, headers, body }) {
    timerefine.requests.push(`${method} ${path}`);
    const stopped = new Promise((_, reject) => timerefine.whenStopped.push(() => reject(new Error("stopped"))));
    return Promise.race([stopped, route(method, path, headers, body)]);
  }

  async function route(method, path, headers, body) {
    const { pathname, searchParams } = new URL(path, "http://127.0.0.1");
    const [, , kind, id, what] = pathname.split("/");
    if (headers.origin !== undefined || !["none", undefined].includes(headers["sec-fetch-site"])) return refuse(403, "Only programs may ask.");
    if (!/^(127\.0\.0\.1|localhost):\d+$/.test(headers.host)) return refuse(403, "Only this computer may ask.");
    for (const [start, other] of timerefine.instead) if (path.startsWith(start)) return typeof other === "function" ? other() : other;
    if (pathname === "/v1/health") return json(200, timerefine.health);
    let sent = {};
    if (method === "POST") {
      if (headers["content-type"] !== "application/json") return refuse(415, "JSON is wanted.");
      if (Buffer.byteLength(body) > MAX_BODY) return refuse(413, "Too much.");
      sent = JSON.parse(body);
    } else if (body) return refuse(400, "No body is wanted.");
    const plain = (code) => String(code).replace(/-/g, "").toUpperCase();
    if (pathname === "/v1/pairings") {
      if (!timerefine.code || plain(sent.code) !== plain(timerefine.code)) return refuse(403, WRONG_CODE);
      const token = `token-${tokens.size + 1}-${"x".repeat(32)}`;
      tokens.add(token);
      timerefine.code = "";
      return json(201, { name: sent.name, token });
    }
    if (!tokens.has((headers.authorization ?? "").replace(/^Bearer /, ""))) return refuse(401, "No token that is known.");
    if (pathname === "/v1/searches") {
      if (!sent.query) return refuse(400, "The query is empty.");
      const search = { id: `s${searches.size + 1}`, query: sent.query, events: [], waiting: [], done: false };
      searches.set(search.id, search);
      return json(202, { id: search.id });
    }
    if (kind === "searches") {
      const search = searches.get(id);
      if (!search) return refuse(404, "There is no such search.");
      if (method === "DELETE") {
        push(search, "cancelled");
        return { status: 204, type: "", body: "" };
      }
      return events(search, Number(searchParams.get("after")), Number(searchParams.get("wait")));
    }
    if (pathname === "/v1/exports") {
      const wanted = sent.moments.map((each) => (typeof each === "string" ? { id: each } : each));
      if ((sent.name ?? "").length > MAX_NAME) return refuse(400, "The name is too long.");
      if (!wanted.every(({ id }) => moments.has(id))) return refuse(404, "There is no such moment.");
      timerefine.exported.push({
        format: sent.format,
        moments: wanted.map(({ id, step }) => handedOver(moments.get(id), step ?? moments.get(id).stop)),
      });
      return json(201, { files: ["json", "lua", "xml"].map((end) => `/out box/latest.${end}`), notes: ["A note."] });
    }
    const moment = moments.get(id);
    if (!moment) return refuse(404, "There is no such moment.");
    if (what === "handover") {
      const step = Number(searchParams.get("step") ?? moment.stop);
      return step in moment.steps ? json(200, { moments: [handedOver(moment, step)] }) : refuse(400, "There is no such step.");
    }
    if (what === "picture") {
      const [frame, width] = ["frame", "width"].map((key) => Number(searchParams.get(key)));
      const isRight = Number.isInteger(frame) && frame >= 0 && frame < moment.facts.frames && width >= 32 && width <= 1920;
      return isRight ? { status: 200, type: "image/jpeg", body: picture(id, frame, width) } : refuse(400, "There is no such frame.");
    }
    return refuse(404, "There is no such address.");
  }

  async function events(search, after, wait) {
    if (wait > 25) return refuse(400, "Too long a wait.");
    if (search.events.length <= after && !search.done) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait * 1000);
        search.waiting.push(() => (clearTimeout(timer), resolve()));
      });
    }
    return json(200, { events: search.events.filter((each) => each.n > after), done: search.done });
  }

  return timerefine;
}

module.exports = { asFound, handedOver, makeTimeRefine, picture, WRONG_CODE };
