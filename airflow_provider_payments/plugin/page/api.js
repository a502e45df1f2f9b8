// A client of Airflow's public REST API that uses the session of the page's user.
//
// Airflow limits each answer to 100 items ([api] maximum_page_limit), regardless of the requested limit. Airflow 3.1
// does not sort XComs by time; newer versions do.

const PAGE_LIMIT = 100;
const MAX_XCOM_PAGES = 5;
const MAX_PARALLEL_REQUESTS = 6;
const DAY_MILLISECONDS = 86_400_000;

/** Airflow's root URL, with the prefix of its base_url: the page is one folder below it. */
export const ROOT = new URL("../", new URL(".", location.href));

/** A failed request: `status` is the HTTP status, or 0 if there was no answer. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let clockOffset = 0;

/** The server's time in milliseconds. Stored times are compared with the server's clock, not with this machine's. */
export const now = () => Date.now() + clockOffset;

let activeRequests = 0;
const queue = [];

async function queued(work) {
  if (activeRequests >= MAX_PARALLEL_REQUESTS) await new Promise((go) => queue.push(go));
  else activeRequests += 1;
  try {
    return await work();
  } finally {
    const next = queue.shift();
    if (next) next();
    else activeRequests -= 1;
  }
}

async function fetchJson(url) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } });
  } catch (error) {
    throw new ApiError(0, `No answer from Airflow: ${error.message}`);
  }
  if (!answer.ok) throw new ApiError(answer.status, `Airflow answered ${answer.status} ${answer.statusText}`);
  const date = Date.parse(answer.headers.get("Date"));
  if (!Number.isNaN(date)) clockOffset = date - Date.now();
  try {
    return await answer.json();
  } catch {
    throw new ApiError(answer.status, "Airflow's answer is not JSON");
  }
}

function get(path, query = {}) {
  const url = new URL(`api/v2/${path}`, ROOT);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return queued(() => fetchJson(url));
}

const listOf = (answer, key) => (Array.isArray(answer?.[key]) ? answer[key].filter((each) => each) : []);

/** All assets of Experience Platform's datasets in Airflow, including those that no current DAG refers to. */
export async function readAssets() {
  const query = { uri_pattern: "aep://", only_active: false, order_by: "id", limit: PAGE_LIMIT };
  const found = [];
  let page;
  do {
    const answer = await get("assets", { ...query, offset: found.length });
    page = listOf(answer, "assets");
    found.push(...page);
    if (found.length >= answer.total_entries) break;
  } while (page.length);
  return found.filter((asset) => String(asset.uri).startsWith("aep://"));
}

/** The newest events of one asset. */
export async function readEvents(assetId, limit) {
  return listOf(await get("assets/events", { asset_id: assetId, order_by: "-timestamp", limit }), "asset_events");
}

/** The entries of XComs that tasks pushed under a key in the last days, newest first, without their values. */
export async function readXComEntries(key, days) {
  const since = new Date(now() - days * DAY_MILLISECONDS).toISOString();
  const query = { xcom_key: key, run_after_gte: since, order_by: "-timestamp", limit: PAGE_LIMIT };
  const entries = [];
  let total = 0;
  for (let page = 0; page < MAX_XCOM_PAGES; page += 1) {
    const answer = await get(xcomPath("~", "~", "~"), { ...query, offset: entries.length });
    const found = listOf(answer, "xcom_entries");
    entries.push(...found);
    total = Number(answer.total_entries) || 0;
    if (!found.length || entries.length >= total || isSorted(found)) break;
  }
  return { entries: entries.sort((a, b) => timeOf(b) - timeOf(a)), total };
}

const timeOf = (entry) => Date.parse(entry.timestamp) || 0;
const isSorted = (entries) => entries.every((each, i) => i === 0 || timeOf(entries[i - 1]) >= timeOf(each));

/** The value of an XCom that `readXComEntries` found; `null` if it no longer exists or is not an object. */
export async function readXCom(entry, key) {
  const path = xcomPath(entry.dag_id, entry.run_id, entry.task_id);
  try {
    return asObject((await get(`${path}/${encodeURIComponent(key)}`, { map_index: entry.map_index })).value);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function xcomPath(...ids) {
  const [dag, run, task] = ids.map(encodeURIComponent);
  return `dags/${dag}/dagRuns/${run}/taskInstances/${task}/xcomEntries`;
}

function asObject(value) {
  let found = value;
  try {
    if (typeof value === "string") found = JSON.parse(value);
  } catch {
    return null;
  }
  return found && typeof found === "object" && !Array.isArray(found) ? found : null;
}
