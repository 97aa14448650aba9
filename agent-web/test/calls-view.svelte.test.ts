// @vitest-environment jsdom
import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Call } from "../src/api/types.ts";
import CallsView from "../src/views/CallsView.svelte";
import { settled } from "./fakes.ts";
import Stage from "./Stage.svelte";

const PAGE = 100;

/** The calls of a house that had n, the newest first; two each second. */
const history = (n: number) =>
	Array.from({ length: n }, (_, i) => ({
		id: `c${i}`,
		line: "1000",
		from: `+49${i}`,
		started: new Date(Date.UTC(2026, 10, 23) - Math.floor(i / 2) * 1000).toISOString(),
		ended: null,
		end: null,
		consent: "none",
		recording: null,
		tags: {},
	})) as unknown as Call[];

/** jsdom lays nothing out, so nothing is ever resized. */
class NoResizes {
	observe() {}
	disconnect() {}
}
beforeEach(() => void vi.stubGlobal("ResizeObserver", NoResizes));

let shown: object | undefined;
afterEach(async () => {
	if (shown) await unmount(shown);
	shown = undefined;
	vi.unstubAllGlobals();
});

interface Asked {
	limit: number;
	before?: string;
	before_id?: string;
	tag?: string;
}

/** The page over a server with some calls; asked is what it was asked for. */
async function page(all: Call[]) {
	const asked: Asked[] = [];
	const state = { up: true };
	const api = {
		calls: async (q: Asked) => {
			asked.push(q);
			if (!state.up) throw new Error("down");
			const from = q.before_id ? all.findIndex((c) => c.id === q.before_id) + 1 : 0;
			return all.slice(from, from + q.limit);
		},
		tagCounts: async () => [],
		callsURL: () => "/",
	};
	const toast = vi.fn();
	const app = {
		t: (key: string) => key,
		why: String,
		moment: String,
		clock: String,
		now: 0,
		api,
		toast,
		router: { follow: () => undefined },
	};
	shown = mount(Stage, {
		target: document.body,
		props: {
			part: CallsView as unknown as Component<never>,
			props: {},
			app,
			seat: { doc: { tags: [] } },
			desk: { queueName: String, personName: String, meet: async () => undefined },
		},
	});
	const settle = async () => {
		await settled();
		flushSync();
	};
	await settle();
	const rows = () =>
		[...document.querySelectorAll<HTMLElement>('[data-testid="call-row"]')].map((r) => r.dataset.contact);
	const button = (text: string) => [...document.querySelectorAll("button")].find((b) => b.textContent === text);
	return {
		asked,
		state,
		toast,
		settle,
		rows,
		more: () => button("calls.more"),
		refresh: () => button("calls.refresh"),
	};
}

const ids = (n: number) => Array.from({ length: n }, (_, i) => `c${i}`);

test("more of the history comes page by page, each call once, until there is no more", async () => {
	const p = await page(history(2 * PAGE + 50));
	expect(p.rows()).toEqual(ids(PAGE));
	for (const n of [2 * PAGE, 2 * PAGE + 50]) {
		p.more()?.click();
		await p.settle();
		expect(p.rows()).toEqual(ids(n));
	}
	expect(p.more()).toBeUndefined();
	// Calls of the last one's own second are told apart by its id.
	const last = history(PAGE).at(-1);
	expect(p.asked[1]).toMatchObject({ limit: PAGE, before: last?.started, before_id: last?.id });
});

test("a page that is asked for twice comes once, and not into a list that was asked for meanwhile", async () => {
	const p = await page(history(3 * PAGE));
	p.more()?.click();
	p.more()?.click();
	await p.settle();
	expect(p.rows()).toEqual(ids(2 * PAGE));
	p.more()?.click();
	p.refresh()?.click();
	await p.settle();
	expect(new Set(p.rows()).size).toBe(p.rows().length);
	expect(p.rows().slice(0, PAGE)).toEqual(ids(PAGE));
});

test("a page that does not come leaves the list as it is, and can be asked for again", async () => {
	const p = await page(history(PAGE + 1));
	p.state.up = false;
	p.more()?.click();
	await p.settle();
	expect(p.toast).toHaveBeenCalledWith("bad", "calls.error");
	expect(p.rows()).toEqual(ids(PAGE));
	p.state.up = true;
	p.more()?.click();
	await p.settle();
	expect(p.rows()).toEqual(ids(PAGE + 1));
	expect(p.more()).toBeUndefined();
});
