// The XComs of tasks: runs that failed a task, and results of health checks. Airflow lists XComs without their values,
// and returns one value per request.

import { readXCom, readXComEntries } from "./api.js";
import { healthOf, runOfFailure, taskOf } from "./model.js";

const FAILURE_KEY = "flow_run";
export const FAILURE_DAYS = 30;
/** The key of a health check's XCom that no other operator uses; the whole result is in the return value. */
const HEALTH_LISTED_KEY = "dataflows";
const HEALTH_KEY = "return_value";
const HEALTH_DAYS = 2;
const MAX_CHECKS = 3;

/** The entries grouped by task, each group in the given order: newest first. */
function byTask(entries) {
  const tasks = new Map();
  for (const entry of entries) {
    const task = [entry.dag_id, entry.task_id, entry.map_index].join("\n");
    if (!tasks.has(task)) tasks.set(task, []);
    tasks.get(task).push(entry);
  }
  return [...tasks.values()];
}

/** The failed runs of the last days, which are read in steps: first the newest of each task. */
export class Failures {
  #unread = [];
  total = 0;

  async list() {
    const { entries, total } = await readXComEntries(FAILURE_KEY, FAILURE_DAYS);
    const ranked = byTask(entries).flatMap((ofTask) => ofTask.map((entry, rank) => ({ entry, rank })));
    this.#unread = ranked.sort((a, b) => a.rank - b.rank).map(({ entry }) => entry);
    this.total = total;
  }

  get left() {
    return this.#unread.length;
  }

  /** A promise for each of the next failed runs, so that one that cannot be read does not hide the others. */
  read(limit) {
    const next = this.#unread.splice(0, limit);
    return next.map(async (entry) => runOfFailure(entry, await readXCom(entry, FAILURE_KEY)));
  }
}

/**
 * The dataflows of the last health checks by id (`flows`), and a summary of the newest check that has any (`check`).
 *
 * `handleError` receives the error of each check that cannot be read, so that the others are shown.
 */
export async function readHealth(handleError) {
  const { entries } = await readXComEntries(HEALTH_LISTED_KEY, HEALTH_DAYS);
  const newest = byTask(entries).map(([entry]) => entry).slice(0, MAX_CHECKS);
  const read = newest.map((entry) =>
    readXCom(entry, HEALTH_KEY)
      .then((value) => ({ entry, flows: healthOf(value) }))
      .catch(handleError),
  );
  const checks = (await Promise.all(read)).filter((check) => check?.flows.size);
  // Of two checks of the same dataflow the newer one counts, which comes later in this order.
  const flows = new Map(checks.toReversed().flatMap((check) => [...check.flows]));
  return { flows, check: checks.length ? summary(checks[0]) : null };
}

function summary({ entry, flows }) {
  const healthy = [...flows.values()].filter((flow) => flow.isHealthy).length;
  return { task: taskOf(entry), at: Date.parse(entry.timestamp), healthy, all: flows.size };
}
