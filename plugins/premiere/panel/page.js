// The page: its elements, and the work that its buttons start, one at a time.

/**
 * What a failure is for the user.
 * @param {unknown} error
 */
const sentence = (error) => (error instanceof Error ? error.message : String(error));

/** @typedef {ReturnType<typeof makeTools>} Tools */

/** @param {UxpDocument} page */
function makeTools(page) {
  const [panel, log] = ["panel", "log"].map(part);
  let isBusy = false;

  /** @param {string} id */
  function part(id) {
    const found = page.getElementById(id);
    if (!found) throw new Error(`index.html has no ${id}`);
    return found;
  }

  /**
   * @param {string} tag
   * @param {string} text
   * @param {string} kind the class, for the style
   */
  function made(tag, text = "", kind = "") {
    const element = page.createElement(tag);
    element.textContent = text;
    element.className = kind;
    return element;
  }

  /** @param {string[]} sentences */
  function say(sentences) {
    log.replaceChildren(...sentences.map((each) => made("p", each)));
  }

  /**
   * Does the work, unless other work is under way. Buttons aren't disabled meanwhile: UXP's list of known issues says that
   * the Tab key doesn't reach a control any more that was.
   * @param {() => Promise<string[]>} work what it says at its end
   */
  async function run(work) {
    if (isBusy) return;
    isBusy = true;
    panel.className = "busy";
    say(["Working…"]);
    try {
      say(await work());
    } catch (error) {
      say([sentence(error)]);
    } finally {
      isBusy = false;
      panel.className = "";
    }
  }

  /**
   * @param {UxpElement} button
   * @param {() => Promise<string[]>} work
   */
  function wire(button, work) {
    button.addEventListener("click", () => void run(work));
    return button;
  }

  /**
   * A button, or the Enter key in its field, starts `act`.
   * @param {UxpElement} field
   * @param {UxpElement} button
   * @param {() => void} act
   */
  function entered(field, button, act) {
    button.addEventListener("click", act);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) act(); // Enter that ends a word of an input method isn't meant
    });
  }

  return { part, made, say, run, wire, entered };
}

module.exports = { makeTools, sentence };
