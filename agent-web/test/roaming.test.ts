import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Choices, Roaming } from "../src/state/roaming.ts";
import { settled } from "./fakes.ts";

beforeEach(() => {
	vi.useFakeTimers();
	vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
	vi.useRealTimers();
	vi.restoreAllMocks();
});

/** The server: of two choices it keeps the newer one. */
function server() {
	const kept: Choices = {};
	const sent: Choices[] = [];
	const state = { up: true };
	const merge = async (choices: Choices) => {
		if (!state.up) throw new Error("down");
		sent.push(choices);
		for (const [name, c] of Object.entries(choices)) if (c.changed > (kept[name]?.changed ?? -1)) kept[name] = c;
		return { ...kept };
	};
	return { kept, sent, state, merge };
}

/** A browser with a storage of its own; its person chooses a language and keys. */
function browser(
	at: ReturnType<typeof server>,
	clock: { now: number },
	user = "alice",
	store = new Map<string, string>(),
) {
	const storage = { getItem: (k: string) => store.get(k) ?? null, setItem: (k: string, v: string) => store.set(k, v) };
	const has: Record<string, unknown> = { language: "en", keys: {} };
	const roaming = new Roaming({ user, merge: at.merge, storage, now: () => clock.now });
	const part = (name: string) => ({
		value: () => has[name],
		take: (value: unknown) => {
			has[name] = value;
		},
	});
	roaming.join("language", part("language"));
	roaming.join("keys", part("keys"));
	const choose = async (name: string, value: unknown) => {
		has[name] = value;
		roaming.changed(name);
		await vi.advanceTimersByTimeAsync(600);
	};
	return { has, roaming, choose, part, store };
}

test("what was chosen follows to another browser, and what was never chosen does not", async () => {
	const s = server();
	const clock = { now: 1000 };
	const one = browser(s, clock);
	await one.choose("keys", { mute: "q" });
	expect(Object.keys(s.kept)).toEqual(["keys"]);
	const two = browser(s, clock);
	await two.roaming.sync();
	expect(two.has).toEqual({ language: "en", keys: { mute: "q" } });
	expect(s.sent.at(-1)).toEqual({});
});

test("of two choices the newer one stays, whoever comes first", async () => {
	const s = server();
	const clock = { now: 1000 };
	const one = browser(s, clock);
	const two = browser(s, clock);
	s.state.up = false;
	await one.choose("language", "zh");
	clock.now = 2000;
	s.state.up = true;
	await two.choose("language", "en");
	await one.roaming.sync();
	expect(one.has.language).toBe("en");
	clock.now = 3000;
	await one.choose("language", "zh");
	await two.roaming.sync();
	expect(two.has.language).toBe("zh");
});

test("a choice that the server did not hear goes with the next", async () => {
	const s = server();
	const clock = { now: 1000 };
	const one = browser(s, clock);
	s.state.up = false;
	await one.choose("language", "zh");
	s.state.up = true;
	await one.choose("keys", { hold: "y" });
	expect(s.kept).toMatchObject({ language: { value: "zh" }, keys: { value: { hold: "y" } } });
});

test("a browser that is shared gives nobody the choices of the one before", async () => {
	const s = server();
	const clock = { now: 1000 };
	const one = browser(s, clock);
	await one.choose("language", "zh");
	const other = server();
	await browser(other, clock, "bob", one.store).roaming.sync();
	expect(other.kept).toEqual({});
});

test("a choice that a reload cut off is told when its part is there again", async () => {
	const s = server();
	const clock = { now: 1000 };
	const one = browser(s, clock);
	one.has.theme = "dark";
	one.roaming.join("theme", one.part("theme"));
	one.roaming.changed("theme");
	one.roaming.stop();
	const again = browser(s, clock, "alice", one.store);
	await again.roaming.sync();
	again.has.theme = "dark";
	again.roaming.join("theme", again.part("theme"));
	await vi.advanceTimersByTimeAsync(600);
	expect(s.kept.theme?.value).toBe("dark");
});

test("what the server has for a part that comes later waits for it", async () => {
	const s = server();
	s.kept.theme = { value: "dark", changed: 5 };
	const { roaming, has, part } = browser(s, { now: 1000 });
	await roaming.sync();
	await settled();
	roaming.join("theme", part("theme"));
	expect(has.theme).toBe("dark");
});

test("what comes after the sign-out is not the next person's", async () => {
	const s = server();
	const clock = { now: 1000 };
	await browser(s, clock).choose("language", "zh");
	const here = browser(s, clock);
	const asked = here.roaming.sync();
	here.roaming.stop();
	await asked;
	expect(here.has.language).toBe("en");
});
