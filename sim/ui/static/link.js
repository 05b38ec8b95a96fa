// The link that restores a view: a query of plain words.

export const SPEEDS = [1, 2, 4, 7, 14, 30]; // days a second

/** "key_worker;coverage:0.8@400-500" for each use of a policy, the day on which it ends only if it does, with commas between; of its settings only those that differ from the defaults. */
export function writePolicies(policies) {
  const write = ({ name, changed, from_day: from, to_day: to }) =>
    [name, ...Object.entries(changed).map(([key, value]) => `${key}:${value}`)].join(";") + (from ? `@${from}${to ? `-${to}` : ""}` : "");
  return policies.map(write).join(",");
}

export function readPolicies(text) {
  return text.split(",").filter(Boolean).map((one) => {
    const [what, when] = one.split("@");
    const [from, to] = (when ?? "").split("-");
    const [name, ...settings] = what.split(";");
    return { name, settings: Object.fromEntries(settings.map((pair) => pair.split(":")).map(([key, value]) => [key, Number(value)])), ...(from ? { from_day: Number(from) } : {}), ...(to ? { to_day: Number(to) } : {}) };
  });
}

export function writeLink(room) {
  const { setup } = room;
  const query = new URLSearchParams({ world: setup.world.name, seed: setup.seed });
  setup.futures.forEach((future) => query.set(future.id, writePolicies(future.policies)));
  query.set("day", room.goal ?? room.day);
  query.set("speed", room.speed);
  if (room.view !== "places") query.set("view", room.view);
  if (room.child !== null) query.set("child", room.child);
  if (room.panel.lesson) {
    query.set("lesson", room.panel.lesson.id);
    query.set("scene", room.panel.scene + 1);
  }
  return query.toString().replaceAll("%3B", ";").replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%40", "@");
}

export function readLink(fromFile) {
  const query = new URLSearchParams(fromFile ? location.hash.slice(1) : location.search);
  const whole = (name) => (/^\d{1,9}$/.test(query.get(name) ?? "") ? Number(query.get(name)) : undefined);
  return {
    world: query.get("world") ?? undefined,
    seed: whole("seed"),
    a: query.has("a") ? readPolicies(query.get("a")) : undefined,
    b: query.has("b") ? readPolicies(query.get("b")) : undefined,
    day: whole("day"),
    speed: SPEEDS.includes(whole("speed")) ? whole("speed") : undefined,
    view: query.get("view") ?? undefined,
    child: whole("child"),
    lesson: query.get("lesson"),
    scene: whole("scene"),
  };
}
