// The page: draws the first screen, then reads and draws further rows when they are scrolled to or searched for.

import { ApiError, ROOT, now, readAssets, readEvents } from "./api.js";
import { runOfEvent } from "./model.js";
import { Places, hasProblem } from "./places.js";
import { ago, button, el, laneRow, notice, plural, table, taskLink, waitingRow } from "./view.js";
import { FAILURE_DAYS, Failures, readHealth } from "./xcoms.js";

/** Number of failed runs that are read before the first screen is drawn, and in each further step. */
const FIRST_FAILURES = 3;
const FURTHER_FAILURES = 20;
const ASSETS = "“can read on Assets” and “can read on Asset Aliases”";
const XCOMS = "“can read on XComs”";
/** For each area that is read: the permission in Airflow that it needs, and what the page does not show without it. */
const AREAS = {
  assets: { permission: ASSETS, subject: "datasets and their runs are" },
  xcoms: { permission: XCOMS, subject: "failed runs and health checks are" },
  failures: { permission: XCOMS, subject: "some failed runs are" },
  checks: { permission: XCOMS, subject: "some health checks are" },
};

const $ = (id) => document.getElementById(id);
const filters = $("filters").elements;
const places = new Places();
const failures = new Failures();
let health = { flows: new Map(), check: null };

// ---- errors --------------------------------------------------------------------------------------------------------

/** Whether a read succeeded; if not, show a notice. */
async function succeeds(reading, area) {
  try {
    await reading;
    return true;
  } catch (error) {
    report(error, area);
    return false;
  }
}

/** Show the error of a read in an area as a notice; any other error is a bug, and is thrown. */
function report(error, area) {
  if (!(error instanceof ApiError)) throw error;
  showError(error, AREAS[area]);
}

function showError(error, { permission, subject }) {
  const login = () => el("a", { href: ROOT.href, target: "_top" }, "Log in");
  const texts = {
    401: () => ["You are not logged in to Airflow. ", login()],
    403: () => [`Your role in Airflow lacks the permission ${permission}: ${subject} not shown.`],
  };
  const shown = notice(...(texts[error.status]?.() ?? [`${error.message}: ${subject} not shown.`]));
  const isShown = [...$("notices").children].some((each) => each.textContent === shown.textContent);
  if (!isShown) $("notices").append(shown);
}

// ---- the first screen ----------------------------------------------------------------------------------------------

async function start() {
  const listed = succeeds(failures.list(), "xcoms");
  const readable = readHealth((error) => report(error, "checks"));
  const checked = succeeds(readable.then((found) => (health = found)), "xcoms");
  const hasAssets = await succeeds(readAssets().then(addAssets), "assets");
  const hasFailures = await listed;
  if (hasFailures) await readFailures(FIRST_FAILURES);
  await checked;
  places.addHealth(health.flows);
  drawAll();
  summarise(hasAssets, hasFailures);
  $("filters").hidden = places.all.length === 0;
  if (places.all.length) $("rows").append(rows);
  else if (hasAssets) $("rows").append(nothing());
  $("rows").setAttribute("aria-busy", "false");
}

function addAssets(assets) {
  for (const asset of assets) places.addAsset(asset);
}

function summarise(hasAssets, hasFailures) {
  const parts = [];
  if (hasAssets) parts.push([plural(places.all.filter((place) => place.asset).length, "dataset")]);
  if (hasFailures) parts.push([`${plural(failures.total, "failed run")} in ${FAILURE_DAYS} days`]);
  if (health.check) {
    const { task, at, healthy, all } = health.check;
    parts.push([taskLink(task, "health check"), " ", ago(at, now()), `: ${healthy} of ${all} healthy`]);
  }
  $("summary").replaceChildren(...parts.flatMap((part, i) => (i ? [" · ", ...part] : part)));
}

function nothing() {
  const text =
    "No task has announced a flow run yet. FlowRunSensor, RunDataflowOperator and RetryFlowRunOperator do so if they " +
    'have an outlet: outlets=[AssetAlias("payments_arrivals")].';
  return el("p", { class: "empty" }, text);
}

// ---- rows ----------------------------------------------------------------------------------------------------------

const rows = table();
const bodies = new Map();
const placeOf = new WeakMap();

const inView = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) reach(target);
});

function reach(element) {
  inView.unobserve(element);
  if (element === $("more")) readFurtherFailures();
  else readOnce(placeOf.get(element));
}

function drawAll() {
  const sorted = places.all.sort(
    (a, b) =>
      b.failedLast - a.failedLast ||
      !a.dataset - !b.dataset ||
      a.sandbox.localeCompare(b.sandbox) ||
      a.name.localeCompare(b.name, undefined, { numeric: true }),
  );
  for (const place of sorted) draw(place);
  inView.observe($("more"));
}

/** Draw the rows of a place, in their present position or, if they are new, at the end. */
function draw(place) {
  const body = bodies.get(place.key) ?? newBody(place);
  const lanes = place.lanes(health.flows, Number(filters.runs.value), now());
  const rows = lanes.map((lane, i) => laneRow({ place, ...lane, now: now(), note: i ? null : noteOf(place) }));
  body.removeAttribute("aria-busy");
  body.replaceChildren(...(place.isRead ? rows : [waitingRow(place, now())]));
  place.hasProblem = lanes.some(hasProblem);
  filter(place);
}

function newBody(place) {
  const body = el("tbody", { role: "rowgroup" });
  bodies.set(place.key, body);
  placeOf.set(body, place);
  rows.append(body);
  inView.observe(body);
  listSandbox(place.sandbox);
  return body;
}

function noteOf(place) {
  const unnamed = place.unnamedEvents && `${plural(place.unnamedEvents, "event")} without a flow run`;
  const again = () => readAgain(place);
  return [place.error && notice(`${place.error} `, button("Try again", again)), unnamed].filter((each) => each);
}

async function readOnce(place) {
  if (place.isRequested) return;
  place.isRequested = true;
  await readAgain(place);
}

async function readAgain(place) {
  if (!place.asset) return;
  place.error = "";
  bodies.get(place.key).setAttribute("aria-busy", "true");
  try {
    const events = await readEvents(place.asset.id, Number(filters.runs.value));
    place.setEvents(events.map(runOfEvent));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    place.setError(error.message);
  }
  redraw(place);
}

function redraw(place) {
  for (const key of places.claim(place)) {
    bodies.get(key)?.remove();
    bodies.delete(key);
  }
  draw(place);
}

/** Read the next failed runs and redraw the rows that they belong to; return whether any could be read. */
async function readFailures(limit) {
  const isDrawn = bodies.size > 0;
  const add = (run) => {
    const place = run && places.addFailure(run);
    if (place && isDrawn) redraw(place);
  };
  const read = failures.read(limit).map((reading) => succeeds(reading.then(add), "failures"));
  return (await Promise.all(read)).some((isRead) => isRead);
}

async function readFurtherFailures() {
  const isRead = failures.left > 0 && (await readFailures(FURTHER_FAILURES));
  if (isRead) inView.observe($("more"));
}

// ---- filters -------------------------------------------------------------------------------------------------------

function filter(place) {
  const isShown =
    (!filters.sandbox.value || place.sandbox === filters.sandbox.value) &&
    (!filters.problems.checked || place.hasProblem) &&
    place.mentions(filters.text.value.trim().toLowerCase());
  bodies.get(place.key).hidden = !isShown;
}

function listSandbox(name) {
  const listed = [...filters.sandbox.options].map((option) => option.value);
  if (name && !listed.includes(name)) filters.sandbox.append(el("option", { value: name }, name));
}

/** Filter the rows. Read all rows and failed runs first if the filter depends on them. */
function applyFilters() {
  for (const place of places.all) filter(place);
  if (!filters.text.value && !filters.problems.checked) return;
  places.all.forEach(readOnce);
  readAllFailures();
}

async function readAllFailures() {
  while (failures.left > 0 && (await readFailures(FURTHER_FAILURES)));
}

/** Read the rows again that have been read, with the new number of runs. */
function changeRuns() {
  for (const place of places.all) if (place.isRequested) readAgain(place);
}

$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("input", (event) => (event.target === filters.runs ? changeRuns() : applyFilters()));
start();
