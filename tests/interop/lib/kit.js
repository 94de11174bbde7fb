// A small test runner: cases in order, and beside them, two at a time, those that have servers of their own; each with
// a time limit and its own clean-up, one line a case.

import { start } from "./server.js";

const CASE_LIMIT = 120_000;
/** How long anything may take to come, in ms: longer than the busiest machine needs. */
export const PATIENCE = 60_000;
/** For all that is not about these: on a busy machine a heartbeat of a second or less would end who is only slow. */
export const PATIENT = { PING_INTERVAL: "25000", PING_TIMEOUT: "20000", CONNECT_TIMEOUT: "20000", UPGRADE_TIMEOUT: "20000" };
/** How often a case is played again of which one request has overtaken another. */
const PLAYS = 20;
const cases = [];

/**
 * Registers a case. `options.transports`: run it with these only. `options.needs`: a feature of the
 * contract that the server must be said to have (FEATURES, separated by commas). `options.server`: it is
 * played with a server of its own, with these in its environment. `options.apart`: it starts all its servers
 * by itself, and `t.server` is not there.
 */
export function test(name, options, body) {
  if (typeof options === "function") [options, body] = [{}, options];
  cases.push({ name, body, ...options });
}

/** What came second was there first, on another connection: nobody's fault, but not what the case is about. */
export class Overtaken extends Error {}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again until `look` gives something true, and returns it. */
export async function until(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`waited ${patience} ms for ${what}`);
    await sleep(10);
  }
}

/** The promise, or an error that says what was waited for. */
export function within(what, promise, ms = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What one case holds: the shared server, and whatever has to be ended after it. */
class Context {
  #endings = [];

  constructor(server, transport) {
    this.server = server;
    this.transport = transport;
  }

  /** Runs when the case is over, last registered first. */
  after(ending) {
    this.#endings.push(ending);
  }

  /** A server of this case's own. */
  async start(env, port) {
    const server = await start(env, port);
    this.after(() => server.stop());
    return server;
  }

  async end() {
    for (const ending of this.#endings.reverse()) await ending();
  }
}

/** What went wrong, if anything. */
async function play(context, body, limit) {
  let fault;
  try {
    await within("the case to end", body(context), limit);
  } catch (error) {
    fault = error;
  }
  try {
    await within("the case to clean up", context.end(), limit);
  } catch (error) {
    fault ??= error;
  }
  return fault;
}

/**
 * Runs every case against one server, but for those of these names; true if all passed. The last line is a
 * count for machines.
 */
export async function run({ title, transport, env = {}, only, without = [] }) {
  const features = (process.env.FEATURES ?? "").split(",");
  for (const name of without) if (!cases.some((it) => it.name === name)) throw new Error(`no case is called ${name}`);
  const chosen = cases.filter(
    ({ name, transports, needs }) =>
      (!transports || transports.includes(transport)) &&
      (!needs || features.includes(needs)) &&
      !without.includes(name) &&
      (!only || name.includes(only)),
  );
  const server = await start(env);
  const failed = [];
  const playOne = async ({ name, body, limit = CASE_LIMIT, server: own, apart }) => {
    const begun = Date.now();
    const its = own ? await start(own) : apart ? undefined : server;
    let fault;
    for (let plays = 0; plays === 0 || (fault instanceof Overtaken && plays < PLAYS); plays++) {
      fault = await play(new Context(its, transport), body, limit);
    }
    if (own && (await its.stop()).forced) fault ??= new Error("its server did not end on SIGTERM");
    console.log(`${fault ? "not ok" : "ok"} ${title}: ${name} (${Date.now() - begun} ms)`);
    if (fault) {
      failed.push(name);
      console.log(String(fault.stack ?? fault).replace(/^/gm, "    "));
    }
  };
  const inOrder = async (waiting) => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await playOne(next);
  };
  const isApart = ({ server: own, apart }) => Boolean(own || apart);
  const beside = chosen.filter(isApart);
  // They share nothing with the others, and most of them wait, for heartbeats and ends.
  await Promise.all([inOrder(chosen.filter((it) => !isApart(it))), inOrder(beside), inOrder(beside)]);
  const end = await server.stop();
  if (end.forced) {
    failed.push("the server ends on SIGTERM");
    console.log(`not ok ${title}: the server ends on SIGTERM`);
  }
  console.log(JSON.stringify({ passed: chosen.length - failed.length, failed }));
  return failed.length === 0 && chosen.length > 0;
}
