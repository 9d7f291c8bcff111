// Lets a Node program live in the time of a story: the wall clock and the seconds in the file that STORY_CLOCK names.
const fs = require("fs");

const file = process.env.STORY_CLOCK;
const RealDate = Date;
let ahead = 0;
let readAt = -Infinity;

function now() {
  const elapsed = process.hrtime.bigint();
  if (Number(elapsed) - readAt > 20e6) {
    readAt = Number(elapsed);
    try {
      ahead = Number(fs.readFileSync(file, "utf8")) * 1000;
    } catch {
      // Between two versions of the file the last one counts.
    }
  }
  return RealDate.now() + ahead;
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, made) => Reflect.construct(target, given.length ? given : [now()], made === globalThis.Date ? target : made),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
