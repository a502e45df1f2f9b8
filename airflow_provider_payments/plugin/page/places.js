// The groups of rows: a dataset with its dataflows, or a dataflow whose dataset is unknown.

import { eachOnce, freshnessOf, partsOf } from "./model.js";

/** A group of rows. Its runs come from the events of its asset, and from tasks that failed because of a run. */
export class Place {
  constructor({ key, org = "", sandbox = "", dataset = "", name = "", asset = null }) {
    Object.assign(this, { key, org, sandbox, dataset, name, asset });
    this.eventRuns = [];
    this.failureRuns = [];
    this.unnamedEvents = 0;
    this.flows = new Set();
    this.isRead = asset === null;
    this.isRequested = false;
    this.error = "";
  }

  get lastEvent() {
    return Date.parse(this.asset?.last_asset_event?.timestamp) || 0;
  }

  /** Whether the last announcement about this place is a failure. */
  get failedLast() {
    return this.failureRuns.some((run) => run.announced > this.lastEvent);
  }

  /** Whether a name, an id, a code or a reason contains a text, which must be in lower case. */
  mentions(text) {
    const runs = [...this.eventRuns, ...this.failureRuns];
    const ofRuns = runs.flatMap((run) => [run.flowName, run.codes, run.reason]);
    const texts = [this.name, this.dataset, this.sandbox, ...this.flows, ...ofRuns];
    return texts.some((each) => each.toLowerCase().includes(text));
  }

  setEvents(runs) {
    this.eventRuns = runs.filter((run) => run);
    this.unnamedEvents = runs.length - this.eventRuns.length;
    this.isRead = true;
    this.#addDetails(this.eventRuns);
  }

  setError(message) {
    this.error = message;
    this.isRead = true;
  }

  addFailure(run) {
    this.failureRuns.push(run);
    this.#addDetails([run]);
  }

  #addDetails(runs) {
    for (const run of runs) {
      if (run.flow) this.flows.add(run.flow);
      this.name = this.dataset && run.datasetName ? run.datasetName : this.name;
    }
  }

  /** A lane for each dataflow: its last runs, its freshness, and its problems in the last health check. */
  lanes(health, limit, now) {
    const byFlow = new Map([...this.flows].map((flow) => [flow, []]));
    for (const run of eachOnce([...this.eventRuns, ...this.failureRuns])) {
      byFlow.set(run.flow, [...(byFlow.get(run.flow) ?? []), run]);
    }
    if (!byFlow.size) byFlow.set("", []);
    return [...byFlow].map(([flow, runs]) => {
      const known = health.get(flow);
      const flowName = runs.findLast((run) => run.flowName)?.flowName || known?.name || "";
      const lane = { flow, flowName, problems: known && !known.isHealthy ? known.problems : [] };
      return { lane, runs: runs.slice(-limit), freshness: freshnessOf(runs, known, now) };
    });
  }
}

/** Whether a lane needs attention: its rows are late, it has a problem, or its last run did not succeed or failed its task. */
export function hasProblem({ lane, runs, freshness }) {
  const last = runs.findLast((run) => run.status !== "active");
  return freshness.isLate || lane.problems.length > 0 || (last && (last.status !== "succeeded" || last.failedTask));
}

/** The key of a dataflow's place; the prefix distinguishes it from a dataset's URI, because an id may be any text. */
const keyOf = (flow) => `dataflow ${flow}`;

/** All places, by the URI of the dataset or by the id of the dataflow. */
export class Places {
  #byKey = new Map();

  get all() {
    return [...this.#byKey.values()];
  }

  addAsset(asset) {
    const parts = partsOf(asset.uri);
    if (!parts) return;
    const name = asset.name && asset.name !== asset.uri ? String(asset.name) : parts.dataset;
    this.#add(new Place({ key: asset.uri, ...parts, name, asset }));
  }

  addHealth(health) {
    for (const [id, flow] of health) this.#ofFlow(id, flow.sandbox);
  }

  /** Add a failed run to the place that it belongs to, and return that place. */
  addFailure(run) {
    const place = this.#ofDataset(run) ?? this.#ofFlow(run.flow || run.id, run.sandbox);
    place.addFailure(run);
    return place;
  }

  /** Merge the places of a dataset's dataflows into the dataset's place; return the keys of the removed places. */
  claim(place) {
    if (!place.dataset) return [];
    const removed = [...place.flows].map((flow) => this.#byKey.get(keyOf(flow))).filter((other) => other);
    for (const other of removed) {
      for (const run of other.failureRuns) place.addFailure(run);
      this.#byKey.delete(other.key);
    }
    return removed.map((other) => other.key);
  }

  #ofDataset({ org, sandbox, dataset, datasetName }) {
    if (!dataset) return null;
    const fits = (place) =>
      place.dataset === dataset && (!org || place.org === org) && (!sandbox || place.sandbox === sandbox);
    const key = `aep://${org}/${sandbox}/${dataset}`;
    return this.all.find(fits) ?? this.#add(new Place({ key, org, sandbox, dataset, name: datasetName || dataset }));
  }

  #ofFlow(flow, sandbox) {
    const owner = this.all.find((place) => place.flows.has(flow));
    if (owner) return owner;
    const place = this.#add(new Place({ key: keyOf(flow), sandbox }));
    place.flows.add(flow);
    return place;
  }

  #add(place) {
    this.#byKey.set(place.key, place);
    return place;
  }
}
