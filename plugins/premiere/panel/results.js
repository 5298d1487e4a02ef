// The moments of a search as rows. A row stays the same elements while its moment is refined, so that it keeps the focus.

const { nameOf, scoreOf, timesOf } = require("./found.js");

/** @typedef {import("./found.js").Found} Found */
/** @typedef {import("./found.js").Step} Step */
/** @typedef {import("./page.js").Tools} Tools */
/** @typedef {{found: Found, step: Step}} Chosen a moment with the step whose frames count */
/**
 * @typedef {{element: UxpElement, tick: UxpElement, update: (found: Found, rank: number) => void, chosen: () => Chosen}} Row
 */

/** @param {number} at */
const stepName = (at) => (at === 0 ? "Rough" : `Step ${at}`);

/**
 * @param {Tools} tools
 * @param {UxpElement} list
 * @param {(image: UxpElement, chosen: Chosen) => void} picture shows the first frame
 * @param {readonly (readonly [string, (chosen: Chosen) => Promise<string[]>])[]} actions labels of buttons, and what they do
 */
function makeResults({ made, wire }, list, picture, actions) {
  /** @type {Map<string, Row>} by id, best first */
  let rows = new Map();

  /**
   * @param {Found} first
   * @returns {Row}
   */
  function makeRow(first) {
    let found = first;
    /** @type {number | null} the step that the user chose; else the one that TimeRefine kept */
    let at = null;
    const element = made("div", "", "moment");
    const [image, title, times, score] = [made("img"), made("p"), made("p"), made("p")];
    const steps = made("div", "", "steps");
    const tick = made("input");
    tick.type = "checkbox";
    const label = made("label");
    label.append(tick, made("span", "for the sequence"));
    /** @type {UxpElement[]} */
    const choices = [];
    const chosen = () => ({ found, step: found.steps[at ?? found.stop] });
    const buttons = actions.map(([name, act]) => wire(made("button", name), () => act(chosen())));
    element.append(image, title, times, score, steps, ...buttons, label);

    function draw() {
      const { step } = chosen();
      times.textContent = timesOf(found, step);
      found.steps.forEach((each, index) => {
        const choice = choices[index] ?? makeChoice(index);
        choice.textContent = each === step ? `● ${stepName(index)}` : stepName(index);
        choice.className = each === step ? "chosen" : "";
        choice.title = timesOf(found, each);
      });
      picture(image, { found, step });
    }

    /** @param {number} index */
    function makeChoice(index) {
      const choice = made("button");
      choice.addEventListener("click", () => {
        at = index;
        draw();
      });
      choices.push(choice);
      steps.append(choice);
      return choice;
    }

    return {
      element,
      tick,
      chosen,
      update(now, rank) {
        found = now;
        title.textContent = `${rank}. ${nameOf(now)}`;
        title.title = now.media;
        score.textContent = scoreOf(now);
        if (at !== null && !(at in now.steps)) at = null;
        if (choices.length > now.steps.length) {
          choices.length = now.steps.length;
          steps.replaceChildren(...choices);
        }
        draw();
      },
    };
  }

  return {
    /** @param {Found[]} moments best first */
    show(moments) {
      const before = [...rows.keys()].join();
      rows = new Map(moments.map((each) => [each.id, rows.get(each.id) ?? makeRow(each)]));
      moments.forEach((each, index) => rows.get(each.id)?.update(each, index + 1));
      if ([...rows.keys()].join() !== before) list.replaceChildren(...[...rows.values()].map((each) => each.element));
    },

    /** The moments that are ticked, or all if none is. */
    forSequence() {
      const all = [...rows.values()];
      const ticked = all.filter((each) => each.tick.checked);
      return (ticked.length ? ticked : all).map((each) => each.chosen());
    },
  };
}

module.exports = { makeResults };
