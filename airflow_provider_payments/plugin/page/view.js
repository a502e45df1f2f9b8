// The page's elements. All values from Airflow become text or an attribute, never markup.

import { ROOT } from "./api.js";
import { EXPERIENCE_CLOUD, dataflowPage, datasetPage, safeAddress } from "./model.js";

const SVG = "http://www.w3.org/2000/svg";
const BAR_HEIGHT = 100;
const MIN_PART_HEIGHT = 6;
const NUMBER = new Intl.NumberFormat("en");
const UNITS = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"]];

/** An element with attributes and children; a child that is null, false or empty text is left out. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false && value !== "") element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== "" && child !== false));
  return element;
}

export const plural = (count, word) => `${NUMBER.format(count)} ${word}${count === 1 ? "" : "s"}`;

/** A duration in milliseconds as text in its two largest units of days, hours and minutes. */
export function duration(milliseconds) {
  if (milliseconds < 60_000) return "1 min";
  const parts = [];
  let rest = milliseconds;
  for (const [length, unit] of UNITS) {
    const amount = Math.floor(rest / length);
    rest -= amount * length;
    if (amount) parts.push(`${amount} ${unit}`);
    else if (parts.length) break;
  }
  return parts.slice(0, 2).join(" ");
}

/** The age of a time as text; a tooltip shows the time itself. */
export function ago(moment, now) {
  const shown = now - moment < 60_000 ? "just now" : `${duration(now - moment)} ago`;
  return el("time", { datetime: new Date(moment).toISOString(), title: new Date(moment).toLocaleString() }, shown);
}

// ---- links ---------------------------------------------------------------------------------------------------------

/** Open a link from Airflow's document, because the page's frame may neither open tabs nor navigate Airflow. */
function openOutside(event) {
  if (window.parent === window) return;
  event.preventDefault();
  const { href, target } = event.currentTarget;
  const outer = window.parent.document;
  const twin = outer.createElement("a");
  const isForNewTab = event.ctrlKey || event.metaKey;
  Object.assign(twin, { href, target: isForNewTab ? "_blank" : target, rel: "noopener" });
  outer.body.append(twin);
  twin.click();
  twin.remove();
}

function link(address, attributes, ...children) {
  const href = safeAddress(address);
  if (!href) return el("span", attributes, ...children);
  const anchor = el("a", { ...attributes, href, rel: "noopener" }, ...children);
  anchor.addEventListener("click", openOutside);
  return anchor;
}

const platformLink = (address, ...children) => link(address, { target: "_blank" }, ...children);

/** The URL of a task instance in Airflow. */
export function taskAddress(task) {
  if (!task) return "";
  const [dag, run, name] = [task.dag, task.run, task.task].map(encodeURIComponent);
  const mapped = Number.isInteger(task.index) && task.index >= 0 ? `/mapped/${task.index}` : "";
  return new URL(`dags/${dag}/runs/${run}/tasks/${name}${mapped}`, ROOT).href;
}

export const taskLink = (task, label) => link(taskAddress(task), { target: "_top" }, label);

// ---- bars ----------------------------------------------------------------------------------------------------------

/** The last runs as bars of ingested and, above them, failed records. The list is one tab stop; arrow keys move in it. */
export function bars(runs, label) {
  const most = Math.max(1, ...runs.map((run) => (run.landed ?? 0) + (run.failed ?? 0)));
  const list = el("ol", { class: "bars", "aria-label": label }, runs.map((run) => el("li", {}, bar(run, most))));
  const anchors = [...list.querySelectorAll("a, span[role=img]")];
  anchors.at(-1)?.setAttribute("tabindex", "0");
  list.addEventListener("keydown", (event) => moveFocus(event, anchors));
  return list;
}

function moveFocus(event, anchors) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -anchors.length, End: anchors.length };
  if (!(event.key in steps)) return;
  event.preventDefault();
  const place = anchors.indexOf(document.activeElement) + steps[event.key];
  const next = anchors[Math.min(Math.max(place, 0), anchors.length - 1)];
  for (const anchor of anchors) anchor.setAttribute("tabindex", anchor === next ? "0" : "-1");
  next.focus();
}

function bar(run, most) {
  const label = runText(run);
  const attributes = { title: label, "aria-label": label, class: `bar ${run.status}`, tabindex: "-1", target: "_top" };
  const address = taskAddress(run.task);
  return link(address, address ? attributes : { ...attributes, role: "img", target: null }, drawing(run, most));
}

function drawing(run, most) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 1 ${BAR_HEIGHT}`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  const scaled = (records) => (records ? Math.max(MIN_PART_HEIGHT, (records / most) * BAR_HEIGHT) : 0);
  const [failed, landed] = [scaled(run.failed), scaled(run.landed)];
  const known = failed + landed;
  if (!known) {
    const height = run.landed === null || run.status === "failed" ? BAR_HEIGHT : MIN_PART_HEIGHT;
    picture.append(part("nothing", BAR_HEIGHT - height, height));
    return picture;
  }
  const shrunk = Math.min(1, BAR_HEIGHT / known);
  picture.append(part("landed", BAR_HEIGHT - landed * shrunk, landed * shrunk));
  picture.append(part("failed", BAR_HEIGHT - known * shrunk, failed * shrunk));
  return picture;
}

function part(name, y, height) {
  const rectangle = document.createElementNS(SVG, "rect");
  for (const [key, value] of Object.entries({ class: name, x: 0, y, width: 1, height })) {
    rectangle.setAttribute(key, value);
  }
  return rectangle;
}

/** A run as text, for the tooltip of its bar. */
export function runText(run) {
  const counts = [
    run.landed === null ? "" : `${NUMBER.format(run.landed)} ingested`,
    run.failed === null ? "" : `${NUMBER.format(run.failed)} failed`,
  ].filter((each) => each);
  const when = new Date(run.ended).toLocaleString();
  return `${when}: ${run.status}, ${counts.join(", ") || "counts unknown"}`;
}

// ---- rows ----------------------------------------------------------------------------------------------------------

export function button(label, press) {
  const element = el("button", { type: "button" }, label);
  element.addEventListener("click", press);
  return element;
}

export const notice = (...children) => el("p", { class: "notice" }, ...children);

const secondary = (...children) => el("div", { class: "secondary" }, ...children);
const cell = (name, ...children) => el("td", { role: "cell", class: name }, ...children);

/** The table, without rows. */
export function table() {
  const headings = ["Dataset and dataflow", "Freshness", "Last runs", "Last failure"];
  const cells = headings.map((each) => el("th", { role: "columnheader", scope: "col" }, each));
  cells[2].append(el("span", { class: "key landed-key" }, "ingested"), el("span", { class: "key failed-key" }, "failed"));
  const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, cells));
  return el("table", { role: "table", "aria-label": "Datasets and dataflows" }, head);
}

/** The row of one dataflow of a dataset. */
export function laneRow({ place, lane, freshness, runs, note, now }) {
  const name = lane.flowName || lane.flow || "";
  const shown = runs.length ? bars(runs, `Last runs of ${name || place.name}`) : secondary("no run");
  return el(
    "tr",
    { role: "row" },
    nameCell(place, lane, name),
    freshnessCell(freshness, runs.length ? lane.problems.filter(isNews) : lane.problems, now),
    cell("runs", shown, note ? secondary(note) : null),
    cell("failures", failures(runs, place, now)),
  );
}

/** The row of a dataset whose events have not been read yet. */
export function waitingRow(place, now) {
  const age = place.lastEvent ? [ago(place.lastEvent, now)] : [];
  const cells = [nameCell(place, null, ""), cell("freshness", age), cell("runs"), cell("failures")];
  return el("tr", { role: "row", class: "waiting" }, cells);
}

function nameCell(place, lane, flowName) {
  const dataset = place.name && platformLink(datasetPage(place.sandbox, place.dataset), place.name);
  const flow = flowName && platformLink(dataflowPage(place.sandbox, lane.flow), flowName);
  const where = place.sandbox && `${dataset && flow ? " in " : ""}${place.sandbox}`;
  const below = secondary(dataset ? flow : "", where);
  return el("th", { role: "rowheader", scope: "row" }, el("div", { class: "name" }, dataset || flow), below);
}

/** Whether a health check's problem is not visible already in a row with runs. */
const isNews = ({ code }) => !["failed", "partial", "stale"].includes(code);

function freshnessCell({ last, limit, isLate }, problems, now) {
  const shown = last === null ? "never" : ago(last, now);
  const word = isLate ? "late" : "fresh";
  const mark = limit === null ? null : el("span", { class: `mark ${word}` }, word);
  const allowed = limit === null ? null : secondary(`limit ${duration(limit * 1000)}`);
  const texts = problems.map((each) => el("div", { class: "problem" }, each.text));
  return cell("freshness", el("div", {}, shown, " ", mark), allowed, texts);
}

function failures(runs, place, now) {
  const failed = runs.filter((run) => run.failedTask || run.status === "failed").reverse();
  if (!failed.length) return null;
  const hasRecovered = runs.at(-1) !== failed[0] && runs.at(-1).status !== "active";
  const [first, ...earlier] = failed.map((run) => failure(run, place, now));
  const rest = earlier.length ? el("details", {}, el("summary", {}, `${earlier.length} earlier`), earlier) : null;
  const note = hasRecovered ? secondary("recovered since") : null;
  return el("div", { class: hasRecovered ? "recovered" : "open" }, note, first, rest);
}

function failure(run, place, now) {
  const why = run.codes || run.reason || run.status;
  const page = pageLink(safeAddress(run.page) || dataflowPage(place.sandbox, run.flow));
  const links = [run.task && taskLink(run.task, "Task"), page].filter((each) => each);
  return el(
    "div",
    { class: "failure" },
    el("div", { class: "why", title: run.reason || why }, why),
    secondary(ago(run.ended, now), " · ", countsText(run), ...links.flatMap((each) => [" · ", each])),
  );
}

/** A link to the dataflow's page. A task may have pushed any URL, so the label names a host other than Adobe's. */
function pageLink(address) {
  if (!address) return null;
  const { host, origin } = new URL(address);
  return platformLink(address, origin === EXPERIENCE_CLOUD ? "Experience Platform" : host);
}

function countsText(run) {
  if (run.failed === null) return run.status;
  const read = run.landed === null ? "" : ` of ${NUMBER.format(run.landed + run.failed)}`;
  return `${NUMBER.format(run.failed)}${read} failed`;
}
