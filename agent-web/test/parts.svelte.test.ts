// @vitest-environment jsdom
import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, describe, expect, test, vi } from "vitest";
import CustomerCard from "../src/parts/CustomerCard.svelte";
import FloorPanel from "../src/parts/FloorPanel.svelte";
import { Loaded } from "../src/parts/loaded.svelte.ts";
import { arrows } from "../src/parts/tabs.ts";
import { EMPTY_DOC } from "../src/phone/doc.ts";
import type { FloorCallView } from "../src/phone/views.ts";
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
function stage(part: unknown, props: Record<string, unknown>, around: { seat?: unknown; desk?: unknown } = {}) {
	const on = mount(Stage, {
		target: document.body,
		props: { app, part: part as Component<never>, props, ...around },
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
	const desk = { seat: { doc: EMPTY_DOC } };

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
		({ contact, stage: "talking", listeners: [], from: "" }) as unknown as FloorCallView;
	const done = vi.fn(async () => null);
	const seat = {
		doc: { ...EMPTY_DOC, calls: [call("c1"), call("c2")] },
		state: { link: { at: "live" } },
		pending: new Set(),
		phone: { do: done },
	};
	const props = $state({ contact: "c1", close: () => undefined });
	stage(FloorPanel, props, { seat });
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
