/** A step of a scenario, as NAME.test.yaml has it. */
export type Step =
	| { wait: string }
	| { press: string }
	| { hangup: true }
	| { queue: { served?: string; refused?: boolean; reason?: string } };

/** What stands for the world in a call that is tried out. */
export interface World {
	caller: string;
	/** A time of the caller's, RFC 3339; "" is the simulator's own. */
	at: string;
	language: string;
	hours: string;
	/** What lookups answer: JSON, "" for nothing. */
	lookups: string;
	/** How queues stand for expressions that ask: JSON, "" for quiet ones. */
	queues: string;
}

/** What the texts in a world say; what is left out is as usual. */
export interface Answers {
	lookups?: unknown;
	queues?: unknown;
}

export const NO_WORLD: World = { caller: "", at: "", language: "", hours: "", lookups: "", queues: "" };

/** Between the keys of one press. */
const KEY_GAP_MS = 200;

/**
 * Script is what a caller did so far, on the call's own clock. The server keeps nothing of it: each look plays it
 * anew with one step more.
 */
export class Script {
	constructor(
		readonly steps: readonly Step[] = [],
		/** When the last step was over, in milliseconds since the call began. */
		readonly atMS = 0,
	) {}

	/** The caller presses keys now. */
	press(nowS: number, keys: string): Script {
		const before = this.until(nowS);
		return new Script([...before.steps, { press: keys }], before.atMS + (keys.length - 1) * KEY_GAP_MS);
	}

	hangUp(nowS: number): Script {
		const before = this.until(nowS);
		return new Script([...before.steps, { hangup: true }], before.atMS);
	}

	/** What becomes of the queue that the caller waits in. */
	queue(nowS: number, what: { served?: string; refused?: boolean; reason?: string }): Script {
		const before = this.until(nowS);
		return new Script([...before.steps, { queue: what }], before.atMS);
	}

	/** The caller waits until a time of the call; two waits in a row become one. */
	until(s: number): Script {
		const to = Math.ceil(s * 1000 - 1e-6);
		if (to <= this.atMS) return this;
		const last = this.steps.at(-1);
		const merged = last && "wait" in last ? Number.parseInt(last.wait, 10) : 0;
		const rest = merged > 0 ? this.steps.slice(0, -1) : this.steps;
		return new Script([...rest, { wait: `${merged + to - this.atMS}ms` }], to);
	}

	/** The scenario that the server plays. */
	scenario(world: World, answers: Answers): Record<string, unknown> {
		const said = Object.entries({ caller: world.caller, at: world.at, language: world.language, hours: world.hours });
		return {
			...Object.fromEntries(said.filter(([, v]) => v !== "")),
			...answers,
			steps: this.steps,
		};
	}
}
