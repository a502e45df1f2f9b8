// The places that rows go to: a dataset with its dataflows, or a dataflow of whose dataset nothing is known.

import { eachOnce, freshnessOf, partsOf } from "./model.js";

/** One place. Its runs come from the events of its asset, and from tasks that failed because of a run. */
export class Place {
  constructor({ key, org = "", sandbox = "", dataset = "", name = "", asset = null }) {
    Object.assign(this, { key, org, sandbox, dataset, name, asset });
    this.eventRuns = [];
    this.failureRuns = [];
    this.unnamedEvents = 0;
    this.flows = new Set();
    this.isRead = asset === null;
    this.isAsked = false;
    this.error = "";
  }

  get lastEvent() {
    return Date.parse(this.asset?.last_asset_event?.timestamp) || 0;
  }

  /** Whether the last that tasks said of it is a failure. */
  get failedLast() {
    return this.failureRuns.some((run) => run.announced > this.lastEvent);
  }

  /** Whether a text is in a name, an id, a code or a reason; it is in small letters. */
  mentions(text) {
    const runs = [...this.eventRuns, ...this.failureRuns];
    const said = runs.flatMap((run) => [run.flowName, run.codes, run.reason]);
    const words = [this.name, this.dataset, this.sandbox, ...this.flows, ...said];
    return words.some((each) => each.toLowerCase().includes(text));
  }

  takeEvents(runs) {
    this.eventRuns = runs.filter((run) => run);
    this.unnamedEvents = runs.length - this.eventRuns.length;
    this.isRead = true;
    this.#learn(this.eventRuns);
  }

  takeError(message) {
    this.error = message;
    this.isRead = true;
  }

  takeFailure(run) {
    this.failureRuns.push(run);
    this.#learn([run]);
  }

  #learn(runs) {
    for (const run of runs) {
      if (run.flow) this.flows.add(run.flow);
      this.name = this.dataset && run.datasetName ? run.datasetName : this.name;
    }
  }

  /** A lane for each dataflow: its last runs, its freshness, its problems at the last health check. */
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

/** Whether somebody has to do something about a lane. */
export function hasProblem({ lane, runs, freshness }) {
  const last = runs.findLast((run) => run.status !== "active");
  return freshness.isLate || lane.problems.length > 0 || (last && (last.status !== "succeeded" || last.failedTask));
}

/** The key of a dataflow's place. Anybody may call a dataflow as a dataset is called: no URI is such a key. */
const keyOf = (flow) => `dataflow ${flow}`;

/** All places, by the URI of the dataset, or by the id of the dataflow. */
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

  /** The place that a failed run belongs to, which knows it now. */
  addFailure(run) {
    const place = this.#ofDataset(run) ?? this.#ofFlow(run.flow || run.id, run.sandbox);
    place.takeFailure(run);
    return place;
  }

  /** Let a dataset take over the dataflows that turn out to write to it; returns the keys of places that are gone. */
  claim(place) {
    if (!place.dataset) return [];
    const gone = [...place.flows].map((flow) => this.#byKey.get(keyOf(flow))).filter((other) => other);
    for (const other of gone) {
      for (const run of other.failureRuns) place.takeFailure(run);
      this.#byKey.delete(other.key);
    }
    return gone.map((other) => other.key);
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
