import type { CallView } from "../phone/views.ts";

/** From here on a person hears it. */
const LOSS_PERCENT = 2;
const SLOW_MS = 400;

/** One sentence of the catalogue and its figure. */
export interface Trouble {
	key:
		| "net.own.both"
		| "net.own.heard"
		| "net.own.said"
		| "net.own.slow"
		| "net.customer.both"
		| "net.customer.heard"
		| "net.customer.said";
	n: number;
}

/** What is wrong with the way of the voices now; ours first, since we can do something about it. */
export function networkTrouble(call: Pick<CallView, "phase" | "own" | "quality">): Trouble[] {
	if (call.phase !== "talking" && call.phase !== "hold") return [];
	const all: Trouble[] = [];
	const side = (whose: "own" | "customer", said: number, heard: number) => {
		if (said >= LOSS_PERCENT && heard >= LOSS_PERCENT) all.push({ key: `net.${whose}.both`, n: Math.max(said, heard) });
		else if (said >= LOSS_PERCENT) all.push({ key: `net.${whose}.said`, n: said });
		else if (heard >= LOSS_PERCENT) all.push({ key: `net.${whose}.heard`, n: heard });
	};
	if (call.own) side("own", call.own.in_percent, call.own.out_percent ?? 0);
	if (call.own?.rtt_ms && call.own.rtt_ms >= SLOW_MS) all.push({ key: "net.own.slow", n: call.own.rtt_ms });
	if (call.quality) side("customer", call.quality.in_percent, call.quality.out_percent ?? 0);
	return all;
}
