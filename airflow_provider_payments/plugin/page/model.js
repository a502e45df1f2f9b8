// Flow runs and dataflows, read from events and XComs that any task may have written: each reader accepts any JSON.

const ASSET_URI = /^aep:\/\/([\w-]+)\/([\w-]+)\/([\w-]+)$/;
const STATUSES = ["succeeded", "partial", "failed", "active"];
export const EXPERIENCE_CLOUD = "https://experience.adobe.com";

const text = (value) => (typeof value === "string" ? value.trim() : "");
const count = (value) => (Number.isSafeInteger(value) && value >= 0 ? value : null);
const seconds = (value) => (Number.isFinite(value) && value > 0 ? value : null);

function moment(value) {
  const found = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(found) ? null : found;
}

/** Organisation, sandbox and dataset of an asset's URI; `null` if it is not the URI of a dataset. */
export function partsOf(uri) {
  const [, org, sandbox, dataset] = ASSET_URI.exec(text(uri)) ?? [];
  return dataset ? { org, sandbox, dataset } : null;
}

/** The flow run of an asset's event, which a watcher puts into the payload; `null` if the event names none. */
export function runOfEvent(event) {
  const task = { dag: event.source_dag_id, run: event.source_run_id, task: event.source_task_id };
  return runOf(event.extra?.payload ?? event.extra, event.timestamp, { ...task, index: event.source_map_index });
}

/** The flow run that failed a task, from the XCom that the task pushed; `null` if the XCom names none. */
export function runOfFailure(entry, value) {
  const run = runOf(value, entry.timestamp, taskOf(entry));
  return run && { ...run, failedTask: true };
}

export const taskOf = (entry) => ({
  dag: entry.dag_id,
  run: entry.run_id,
  task: entry.task_id,
  index: entry.map_index,
});

function runOf(given, timestamp, task) {
  const values = given && typeof given === "object" && !Array.isArray(given) ? given : {};
  const id = text(values.run_id);
  if (!id) return null;
  return {
    id,
    status: STATUSES.includes(values.status) ? values.status : "unknown",
    landed: count(values.output_records),
    failed: count(values.failed_records),
    flow: text(values.flow_id),
    flowName: text(values.flow_name),
    datasetName: text(values.dataset_name),
    dataset: text(values.dataset_id),
    sandbox: text(values.sandbox),
    org: text(values.org_id).replace(/@AdobeOrg$/, ""),
    codes: text(values.codes),
    reason: text(values.reason),
    page: text(values.page),
    ended: moment(values.completed_at) ?? moment(values.started_at) ?? moment(timestamp) ?? 0,
    announced: moment(timestamp) ?? 0,
    failedTask: false,
    task: task.dag && task.task && task.run ? task : null,
  };
}

/** Each run once, oldest first. Of several announcements of a run, the last one counts. */
export function eachOnce(runs) {
  const found = new Map();
  for (const run of [...runs].sort((a, b) => a.announced - b.announced)) found.set(run.id, run);
  return [...found.values()].sort((a, b) => a.ended - b.ended);
}

const problemOf = (given) => ({ code: text(given?.code), text: text(given?.text) || text(given?.code) });

/** The dataflows in the return value of `CheckDataflowHealthOperator`, by id. */
export function healthOf(checked) {
  const flows = new Map();
  for (const each of Array.isArray(checked?.dataflows) ? checked.dataflows : []) {
    const id = text(each?.id) || text(each?.name);
    if (!id) continue;
    const problems = (Array.isArray(each.problems) ? each.problems : []).map(problemOf).filter((one) => one.text);
    flows.set(id, {
      id: text(each.id),
      name: text(each.name),
      state: text(each.state),
      sandbox: text(checked.sandbox),
      isHealthy: each.healthy === true,
      problems,
      isStale: problems.some((one) => one.code === "stale"),
      lastSuccess: moment(each.last_success_at),
      limit: seconds(each.max_age_seconds),
    });
  }
  return flows;
}

/** The time of the last arrival of rows, and whether it exceeds the age limit of the last health check. */
export function freshnessOf(runs, health, now) {
  const arrivals = runs.filter((run) => run.status === "succeeded" || run.status === "partial").map((run) => run.ended);
  const last = Math.max(0, health?.lastSuccess ?? 0, ...arrivals) || null;
  const limit = health?.limit ?? null;
  const isLate = limit !== null && (last === null ? health.isStale : now - last > limit * 1000);
  return { last, limit, isLate };
}

export const datasetPage = (sandbox, dataset) => platformPage(sandbox, "dataset/browse", dataset);
export const dataflowPage = (sandbox, flow) => platformPage(sandbox, "source/dataflows", flow);

function platformPage(sandbox, section, id) {
  if (!sandbox || !id) return "";
  return `${EXPERIENCE_CLOUD}/#/sname:${encodeURIComponent(sandbox)}/platform/${section}/${encodeURIComponent(id)}`;
}

/** A URL if its scheme is http or https, else an empty text. */
export function safeAddress(address) {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol) ? address : "";
  } catch {
    return "";
  }
}
