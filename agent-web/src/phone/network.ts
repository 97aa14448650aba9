import type { Doc } from "./doc.ts";
import { type NetworkFigures, percent } from "./measure.ts";
import type { HeardCounts, LinkQuality } from "./peer.ts";
import { sleep } from "./tape.ts";
import type { Value } from "./value.ts";

/** The connection as far as its test needs it. */
export interface Tested {
	heard(): Promise<HeardCounts | null>;
	quality(): Promise<LinkQuality | null>;
}

/** What is on its way when the counting ends. */
const SETTLE_MS = 700;

/**
 * Counts, while the server sends the own sound back: the way up is what the
 * server received and missed, the way down what came back here and what did
 * not. Nothing is derived from the one way for the other.
 */
export async function measureNetwork(
	peer: Tested,
	doc: Value<Doc>,
	ms: number,
	signal: AbortSignal,
): Promise<NetworkFigures> {
	const before = await peer.heard();
	await sleep(ms + SETTLE_MS, signal);
	const after = await peer.heard();
	const link = await peer.quality();
	const up = doc.now.echo;
	const down = {
		received: Math.max(0, (after?.received ?? 0) - (before?.received ?? 0)),
		lost: Math.max(0, (after?.lost ?? 0) - (before?.lost ?? 0)),
	};
	return {
		rttMS: link?.rttMS ?? null,
		jitterMS: Math.max(up?.jitter_ms ?? 0, after?.jitterMS ?? 0),
		lossUp: percent(up?.lost ?? 0, up?.received ?? 0),
		lossDown: percent(down.lost, down.received),
		up: up?.received ?? 0,
		down: down.received,
	};
}
