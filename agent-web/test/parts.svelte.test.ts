// @vitest-environment jsdom
import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, describe, expect, test, vi } from "vitest";
import CustomerCard from "../src/parts/CustomerCard.svelte";
import FloorFound from "../src/parts/FloorFound.svelte";
import FloorPanel from "../src/parts/FloorPanel.svelte";
import { Loaded } from "../src/parts/loaded.svelte.ts";
import Today from "../src/parts/Today.svelte";
import { arrows } from "../src/parts/tabs.ts";
import { EMPTY_DOC } from "../src/phone/doc.ts";
import type { FloorCallView } from "../src/phone/views.ts";
import NeverCall from "../src/telephony/NeverCall.svelte";
import { settled } from "./fakes.ts";
import Stage from "./Stage.svelte";

const app = {
	t: (key: string) => key,
	tn: (key: string) => key,
	word: (_: string, word: string) => word,
	why: (error: unknown) => String(error),
	clock: String,
	since: () => 0,
	number: String,
	moment: String,
	grade: () => "none",
	label: ({ id }: { id: string }) => id,
	toast: vi.fn(),
	run: async (done: Promise<unknown>) => !(await done),
	router: { follow: () => undefined },
};

const shown: object[] = [];
function stage(
	part: unknown,
	props: Record<string, unknown>,
	around: { app?: object; seat?: unknown; desk?: unknown; role?: string } = {},
) {
	const on = mount(Stage, {
		target: document.body,
		props: { part: part as Component<never>, props, ...around, app: { ...app, ...around.app } },
	});
	shown.push(on);
	flushSync();
}
afterEach(async () => {
	for (const on of shown.splice(0)) await unmount(on);
});
const find = (selector: string) => document.querySelector<HTMLElement>(selector);
const settle = async () => {
	await settled();
	flushSync();
};

/** What comes when the test says so. */
function later<T>() {
	let give: (value: T) => void = () => undefined;
	let fail: (why: unknown) => void = () => undefined;
	const come = new Promise<T>((done, no) => {
		give = done;
		fail = no;
	});
	return { come, give, fail };
}

describe("who is on the phone", () => {
	const person = (name: string) => ({ name, language: "", vip: false, note: "" });
	const customer = (name: string) => ({
		person: person(name),
		number: "138****1234",
		attributes: [],
		attributes_error: "",
		open: [],
		calls: [],
	});
	const handbook = () => ({
		customer: vi.fn(async (contact: string) => customer(contact === "c1" ? "Li" : "Wang")),
		reveal: vi.fn(),
		savePerson: vi.fn(),
	});
	const desk = { seat: { doc: EMPTY_DOC }, personName: String, meet: async () => undefined };

	test("a number that is revealed late is not that of the call in front by now", async () => {
		const book = handbook();
		const number = later<{ number: string }>();
		book.reveal.mockReturnValue(number.come);
		const props = $state({ contact: "c1", handbook: book });
		stage(CustomerCard, props, { desk });
		await settle();
		find("[data-testid=customer-number] button")?.click();
		props.contact = "c2";
		await settle();
		number.give({ number: "13812341234" });
		await settle();
		expect(find("[data-testid=customer-name]")?.textContent).toContain("Wang");
		expect(find("[data-testid=customer-number]")?.textContent).not.toContain("13812341234");
	});
	test("a name that is saved late is not written over the other customer's", async () => {
		const book = handbook();
		const saved = later<ReturnType<typeof person>>();
		book.savePerson.mockReturnValue(saved.come);
		const props = $state({ contact: "c1", handbook: book });
		stage(CustomerCard, props, { desk });
		await settle();
		find("[data-testid=customer-edit]")?.click();
		flushSync();
		find("form")?.dispatchEvent(new SubmitEvent("submit", { cancelable: true, bubbles: true }));
		props.contact = "c2";
		await settle();
		saved.give(person("Li Na"));
		await settle();
		expect(find("[data-testid=customer-name]")?.textContent).toContain("Wang");
	});
	test("what could not be loaded is there after another try", async () => {
		const book = handbook();
		book.customer.mockRejectedValueOnce(new Error("away"));
		stage(CustomerCard, { contact: "c1", handbook: book }, { desk });
		await settle();
		expect(find("[role=status]")?.textContent).toContain("customer.failed");
		find("button")?.click();
		await settle();
		expect(find("[data-testid=customer-name]")?.textContent).toContain("Li");
	});
	test("the focus comes back from the form", async () => {
		const book = handbook();
		book.savePerson.mockResolvedValue(person("Li"));
		stage(CustomerCard, { contact: "c1", handbook: book }, { desk });
		await settle();
		find("[data-testid=customer-edit]")?.click();
		flushSync();
		expect(document.activeElement?.tagName).toBe("INPUT");
		find("form")?.dispatchEvent(new SubmitEvent("submit", { cancelable: true, bubbles: true }));
		await settle();
		expect(document.activeElement).toBe(find("[data-testid=customer-edit]"));
	});
});

test("ending a call that was asked for once is asked for again when another call is selected", async () => {
	const call = (contact: string) =>
		({ contact, stage: "talking", listeners: [], from: "", queue: "sales" }) as unknown as FloorCallView;
	const done = vi.fn(async () => null);
	const seat = {
		doc: { ...EMPTY_DOC, calls: [call("c1"), call("c2")] },
		state: { link: { at: "live" } },
		pending: new Set(),
		phone: { do: done },
	};
	const props = $state({ contact: "c1", close: () => undefined });
	stage(FloorPanel, props, { seat, desk: { queueName: (id: string) => `the ${id} people`, personName: String } });
	expect(document.body.textContent).toContain("the sales people");
	find("[data-testid=teardown]")?.click();
	flushSync();
	props.contact = "c2";
	flushSync();
	find("[data-testid=teardown]")?.click();
	expect(done).not.toHaveBeenCalled();
	flushSync();
	find("[data-testid=teardown]")?.click();
	expect(done).toHaveBeenCalledWith("teardown", { contact: "c2" });
});

test.each([
	["on", "supervise.now.barge.recorded"],
	["off", "supervise.now.barge"],
])("who barges in is told whether they are recorded: %s", (recording, says) => {
	const call = { contact: "c1", stage: "talking", listeners: [], from: "", queue: "", recording } as unknown;
	const seat = {
		doc: { ...EMPTY_DOC, calls: [call], listen: { contact: "c1", mode: "barge" } },
		state: { link: { at: "live" } },
		pending: new Set(),
	};
	stage(
		FloorPanel,
		{ contact: "c1", close: () => undefined },
		{ seat, desk: { queueName: String, personName: String } },
	);
	expect([...document.querySelectorAll("[role=status]")].map((e) => e.textContent)).toContain(says);
});

test("the focus is on the search once a number that is called again left the list", async () => {
	vi.useFakeTimers();
	vi.stubGlobal("CSS", { escape: String });
	vi.stubGlobal(
		"ResizeObserver",
		class {
			observe() {}
			disconnect() {}
		},
	);
	let listed = [{ number: "123", since: "2026-11-23T00:00:00Z", by: "sam", why: "" }];
	const reload = later<void>();
	const request = vi.fn(async (method: string) => {
		if (method === "POST") listed = [];
		else if (listed.length === 0) await reload.come;
		return listed;
	});
	stage(NeverCall, {}, { app: { api: { request } }, role: "admin" });
	await vi.runAllTimersAsync();
	await settle();
	find("[data-remove]")?.click();
	await settle();
	expect(document.activeElement?.tagName).toBe("INPUT");
	find("td form")?.dispatchEvent(new SubmitEvent("submit", { cancelable: true, bubbles: true }));
	await settle();
	reload.give();
	await settle();
	expect(find("[data-remove]")).toBeNull();
	expect(document.activeElement).toBe(find("[data-testid=never-search]"));
	vi.unstubAllGlobals();
	vi.useRealTimers();
});

test("figures that could not be loaded do not open by themselves later", async () => {
	vi.useFakeTimers();
	const request = vi.fn(async () => Promise.reject<object>(new Error("away")));
	const desk = $state({ call: null as object | null, seat: { doc: EMPTY_DOC }, loadRecent: () => undefined });
	stage(Today, {}, { app: { now: 0, api: { request } }, desk });
	await vi.runAllTimersAsync();
	app.toast.mockClear();
	find("[data-testid=figures]")?.click();
	await settle();
	expect(app.toast).toHaveBeenCalledOnce();
	request.mockImplementation(async () => ({ own: [], team: [] }));
	desk.call = { contact: "c1" };
	flushSync();
	await vi.runAllTimersAsync();
	flushSync();
	expect(find("dialog")).toBeNull();
	vi.useRealTimers();
});

test("what a filter of the floor finds is read out once, when it is typed", () => {
	vi.useFakeTimers();
	const props = $state({ needle: "", calls: [9, 9], agents: [9, 9] });
	stage(FloorFound, props, { app: { t: (key: string, p = {}) => [key, ...Object.values(p)].join(" ") } });
	const says = () => {
		vi.advanceTimersByTime(600);
		flushSync();
		return find("[role=status]")?.textContent;
	};
	expect(says()).toBe("");
	Object.assign(props, { needle: "al", calls: [2, 9], agents: [1, 9] });
	flushSync();
	const found = "floor.calls floor.count 2 9 · floor.agents floor.count 1 9";
	expect(says()).toBe(found);
	props.calls = [3, 10];
	flushSync();
	expect(says()).toBe(found);
	props.needle = "";
	flushSync();
	expect(says()).toBe("");
	vi.useRealTimers();
});

describe("a list that a view fetches", () => {
	test("shows what was asked for last, in whatever order the answers come", async () => {
		const [first, second] = [later<string>(), later<string>()];
		const asks = [first.come, second.come];
		const list = new Loaded({ why: String }, () => asks.shift() ?? Promise.reject(new Error("enough")));
		void list.load();
		void list.load();
		second.give("second");
		await settled();
		first.give("first");
		await settled();
		expect([list.now, list.trouble]).toEqual(["second", ""]);
	});
	test("keeps what it has when a later try fails, and says why until one does not", async () => {
		const answers = [() => "one", () => Promise.reject(new Error("away")), () => "two"];
		const list = new Loaded({ why: (e) => (e as Error).message }, async () => answers.shift()?.() ?? "");
		const seen: unknown[] = [];
		for (let i = 0; i < 3; i++) {
			await list.load();
			seen.push([list.now, list.trouble]);
		}
		expect(seen).toEqual([
			["one", ""],
			["one", "away"],
			["two", ""],
		]);
	});
});

test("the arrows go round the tabs, Home and End to their ends", async () => {
	document.body.innerHTML = ["a", "b", "c"].map((name) => `<button id="t-${name}"></button>`).join("");
	const tabs = ["a", "b", "c"] as const;
	let now: (typeof tabs)[number] = "a";
	const press = async (key: string) => {
		const event = new KeyboardEvent("keydown", { key, cancelable: true });
		await arrows(event, "t-", tabs, now, (tab) => {
			now = tab;
		});
		return `${document.activeElement?.id} ${now} ${event.defaultPrevented}`;
	};
	expect(await press("ArrowLeft")).toBe("t-c c true");
	expect(await press("ArrowRight")).toBe("t-a a true");
	expect(await press("ArrowRight")).toBe("t-b b true");
	expect(await press("End")).toBe("t-c c true");
	expect(await press("Home")).toBe("t-a a true");
	expect(await press("x")).toBe("t-a a false");
	document.body.innerHTML = "";
});
