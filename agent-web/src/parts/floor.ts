import type { AgentState } from "../phone/protocol.ts";
import type { AgentView } from "../phone/views.ts";

/** The states in the order in which a supervisor asks for them. */
const ORDER: readonly AgentState[] = [
	"available",
	"offered",
	"talking",
	"hold",
	"wrap_up",
	"away",
	"not_responding",
	"disconnected",
];

/** How many agents are in each state; states that nobody is in are left out. */
export function stateCounts(agents: readonly AgentView[]): { state: AgentState; n: number }[] {
	const counts = new Map<AgentState, number>();
	for (const a of agents) counts.set(a.state, (counts.get(a.state) ?? 0) + 1);
	return ORDER.map((state) => ({ state, n: counts.get(state) ?? 0 })).filter(({ n }) => n > 0);
}
