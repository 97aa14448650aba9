import { afterEach, expect, test, vi } from "vitest";
import type { FlowsApi } from "../src/api/flows.ts";
import { Editing } from "../src/flow/editing.svelte.ts";
import { settled } from "./fakes.ts";

afterEach(() => vi.useRealTimers());

test("a flow that is left before it is there asks nothing any more", async () => {
	vi.useFakeTimers();
	let come: () => void = () => undefined;
	const detail = { name: "main", text: "start: a\n", lines: [], problems: [] };
	const api = {
		show: () => new Promise((done) => (come = () => done(detail))),
		kinds: async () => [],
		prompts: async () => [],
		callers: vi.fn(async () => []),
		check: vi.fn(async () => ({ problems: [] })),
	};
	const editing = new Editing(api as unknown as FlowsApi, "main");
	const opening = editing.open();
	await settled();
	editing.close();
	come();
	await opening;
	await vi.advanceTimersByTimeAsync(10_000);
	expect(api.callers).not.toHaveBeenCalled();
	expect(api.check).not.toHaveBeenCalled();
	expect(vi.getTimerCount()).toBe(0);
});
