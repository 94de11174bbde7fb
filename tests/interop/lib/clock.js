// A clock that stands still until it is told to go on, in the place of Node's timers.

import timers from "node:timers";

/** What a timer is known by: `clearTimeout` takes it, and it can begin anew. */
class Timer {
  constructor(clock, run, wait, again) {
    Object.assign(this, { clock, run, wait: Math.max(1, Number(wait) || 1), again });
    this.refresh();
  }

  refresh() {
    this.at = this.clock.now + this.wait;
    this.order = this.clock.orders++;
    this.clock.timers.add(this);
    return this;
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }
}

export class Clock {
  now = 0;
  orders = 0;
  timers = new Set();

  /** From now on all timers that begin are this clock's. */
  install() {
    const set = (again) => (run, wait, ...args) => new Timer(this, () => run(...args), wait, again);
    const clear = (timer) => void this.timers.delete(timer);
    for (const place of [globalThis, timers]) {
      place.setTimeout = set(false);
      place.setInterval = set(true);
      place.clearTimeout = place.clearInterval = clear;
    }
    Date.now = () => this.now;
  }

  /** Lets this many milliseconds pass, timer by timer; `rest` waits until nothing is left to be done. */
  async pass(wait, rest) {
    const until = this.now + wait;
    for (;;) {
      const due = [...this.timers].filter((timer) => timer.at <= until);
      if (due.length === 0) break;
      const first = due.reduce((one, other) => (other.at - one.at || other.order - one.order) < 0 ? other : one);
      this.now = first.at;
      if (first.again) first.refresh();
      else this.timers.delete(first);
      first.run();
      await rest();
    }
    this.now = until;
  }

  /** Nobody waits any more. */
  clear() {
    this.timers.clear();
  }
}
