import type { Doc } from "../phone/doc.ts";
import type { AlertView, QueueView } from "../phone/views.ts";
import type { App } from "../state/app.svelte.ts";

/** A longest wait of so many seconds is tinted, and said in the alert bar. */
export const LONG_S = 60;

/** Queues with the ones that need somebody first: nobody staffed, the longest wait, the most who wait. */
export function worst(queues: readonly QueueView[]): QueueView[] {
	const alone = (q: QueueView) => (q.waiting > 0 && q.staffed === 0 ? 0 : 1);
	const since = (q: QueueView) => (q.longest_since ? Date.parse(q.longest_since) : Number.POSITIVE_INFINITY);
	return queues.toSorted(
		(a, b) =>
			alone(a) - alone(b) ||
			compare(since(a), since(b)) ||
			b.waiting - a.waiting ||
			(a.name || a.id).localeCompare(b.name || b.id),
	);
}

/** Two infinities have no difference. */
const compare = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);

/** The share of calls answered in time, of those answered or given up; null before the first. */
export function serviceLevel(inTime: number, all: number): number | null {
	return all === 0 ? null : inTime / all;
}

/** What the server warns of and what the figures show, in words. */
export function told(
	app: Pick<App, "t" | "tn" | "since" | "clock">,
	doc: Pick<Doc, "alerts" | "queues" | "agents">,
): Told[] {
	const queueOf = (id: string) => doc.queues.find((q) => q.id === id)?.name || id;
	const agentOf = (user: string) => doc.agents.find((a) => a.user === user)?.name || user;
	const warned = doc.alerts.map((a): Told => {
		const { kind, agent, queue, at } = a;
		const id = [kind, agent, queue, a.figure, a.severity].join("/");
		if (kind === "hand") {
			const who = agentOf(agent);
			const text = app.t("floor.hand", { agent: who, t: app.clock(app.since(at)) });
			return { id, hand: true, text, still: app.t("floor.hand.now", { agent: who }) };
		}
		if (kind === "threshold")
			return { id, bad: a.severity === "bad", hand: false, ...same(threshold(app, a, queueOf(queue))) };
		return {
			id,
			hand: false,
			...same(app.t(`floor.alert.${kind}`, { agent: agentOf(agent), queue: queueOf(queue) })),
		};
	});
	const waits = doc.queues
		.filter((q) => q.waiting > 0 && (q.staffed === 0 || app.since(q.longest_since) >= LONG_S))
		.map((q) => {
			const queue = q.name || q.id;
			const id = `waits/${q.id}`;
			if (q.staffed === 0) return { id, hand: false, ...same(app.t("floor.alert.nobody", { queue })) };
			const t = app.clock(app.since(q.longest_since));
			const text = app.tn("floor.alert", q.waiting, { queue, t });
			return { id, hand: false, text, still: app.t("floor.alert.long", { queue }) };
		});
	const all = new Map([...warned, ...waits].map((a) => [a.id, a])); // one line for each thing
	return [...all.values()];
}

/** One line of the alert bar; hand: an agent asks for help. */
export interface Told {
	/** Stays while the text goes on counting, and is nobody else's: two agents may have one name. */
	readonly id: string;
	readonly hand: boolean;
	/** Needs somebody at once. */
	readonly bad?: boolean;
	readonly text: string;
	/** The same without what counts, to be read out once. */
	readonly still: string;
}

const same = (text: string) => ({ text, still: text });

function threshold(app: Pick<App, "t" | "clock">, a: AlertView, queue: string): string {
	const figure = a.figure ?? "waiting";
	const n = a.limit ?? 0;
	const seconds = figure === "longest" || figure === "expected";
	const limit = seconds ? app.clock(n) : figure === "service_level" ? app.t("unit.percent", { n }) : String(n);
	return app.t(a.over ? "floor.alert.over" : "floor.alert.under", { queue, figure: app.t(`figure.${figure}`), limit });
}
