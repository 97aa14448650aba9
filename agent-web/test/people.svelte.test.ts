// @vitest-environment jsdom
import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, expect, test, vi } from "vitest";
import type { AuditEntry, User, UserChange } from "../src/api/types.ts";
import ChangePerson from "../src/parts/ChangePerson.svelte";
import AuditView from "../src/views/AuditView.svelte";
import { settled } from "./fakes.ts";
import Stage from "./Stage.svelte";

vi.stubGlobal(
	"ResizeObserver",
	class {
		observe() {}
		disconnect() {}
	},
);

const shown: object[] = [];
function stage(part: unknown, props: Record<string, unknown>, api: object) {
	const app = {
		api,
		t: (key: string) => key,
		word: (_: string, word: string) => `the ${word}`,
		moment: String,
		why: String,
		toast: vi.fn(),
	};
	shown.push(mount(Stage, { target: document.body, props: { part: part as Component<never>, props, app } }));
	flushSync();
}
afterEach(async () => {
	for (const on of shown.splice(0)) await unmount(on);
});
const find = <E extends HTMLElement>(selector: string) => document.querySelector<E>(selector);
const settle = async () => {
	await settled();
	flushSync();
};

const carol: User = {
	user: "carol",
	name: "Carol",
	role: "agent",
	demo: false,
	disabled: false,
	must_change_password: false,
	phone: false,
};

function change(person: User) {
	const changeUser = vi.fn<(user: string, fields: UserChange) => Promise<void>>(async () => undefined);
	const done = vi.fn();
	stage(ChangePerson, { person, done }, { changeUser });
	return { changeUser, done };
}

test("who leaves is kept out, and nothing else of them is changed", async () => {
	const { changeUser, done } = change(carol);
	find("input[type=checkbox]")?.click();
	find("form button:not([type])")?.click();
	await settle();
	expect(changeUser).toHaveBeenCalledWith("carol", { disabled: true });
	expect(done).toHaveBeenCalled();
});

test("who comes back may sign in again; a role is changed without a password", async () => {
	const { changeUser } = change({ ...carol, disabled: true });
	find("input[type=checkbox]")?.click();
	const role = find<HTMLSelectElement>("select");
	if (role) role.value = "supervisor";
	role?.dispatchEvent(new Event("change", { bubbles: true }));
	find("form button:not([type])")?.click();
	await settle();
	expect(changeUser).toHaveBeenCalledWith("carol", { disabled: false, role: "supervisor" });
});

const entry = (n: number): AuditEntry => ({
	n,
	at: `at ${n}`,
	who: "ada",
	action: "listen",
	target: `call ${n}`,
	details: {},
});

test("a page of the audit log that comes after the log was read again takes no older ones away", async () => {
	let late: (page: AuditEntry[]) => void = () => undefined;
	const audit = vi.fn(({ limit, before }: { limit: number; before?: number }) =>
		before
			? new Promise<AuditEntry[]>((give) => (late = give))
			: Promise.resolve(Array.from({ length: limit }, (_, i) => entry(500 - i))),
	);
	stage(AuditView, {}, { audit });
	await settle();
	find('[data-testid="audit-more"]')?.click();
	[...document.querySelectorAll("button")].find((b) => b.textContent === "calls.refresh")?.click();
	await settle();
	late([entry(300)]);
	await settle();
	expect(document.querySelectorAll("tbody tr").length).toBe(200);
	expect(find('[data-testid="audit-more"]')).not.toBeNull();
});

test("the audit log goes back as far as it has entries, and is filtered by what it shows", async () => {
	const audit = vi.fn(async ({ limit, before = 251 }: { limit: number; before?: number }) =>
		Array.from({ length: Math.min(limit, before - 1) }, (_, i) => entry(before - 1 - i)),
	);
	stage(AuditView, {}, { audit });
	await settle();
	const rows = () => document.querySelectorAll("tbody tr").length;
	expect(rows()).toBe(200);
	find('[data-testid="audit-more"]')?.click();
	await settle();
	expect(rows()).toBe(250);
	expect(find('[data-testid="audit-more"]')).toBeNull();
	const filter = find<HTMLInputElement>('[data-testid="audit-filter"]');
	if (filter) filter.value = "call 17";
	filter?.dispatchEvent(new Event("input", { bubbles: true }));
	flushSync();
	expect(rows()).toBe(11);
});
